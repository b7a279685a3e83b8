//! The whole program from its command line: car, cloud and link, each real.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod program;

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use program::{Program, children_of, files_under, turbo};
use rt_core::trace::{Hop, HopHistograms};

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two cores carry one demo at a time.
static MACHINE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(report: &serde_json::Value, key: &str) -> u64 {
    report[key].as_u64().unwrap_or_else(|| panic!("{key} is a count: {report}"))
}

fn result(run: &program::Ended) -> serde_json::Value {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(run.stdout.trim()).expect("one JSON object");
    let frames = number(&report, "frames");
    assert!(frames > 0, "{report}");
    assert_eq!(number(&report, "decisions"), frames, "every captured frame has a decision: {report}");
    let by_source: u64 = ["from_cloud", "from_vehicle", "none"].iter().map(|key| number(&report, key)).sum();
    assert_eq!(by_source, frames, "{report}");
    report
}

fn has_log(dir: &Path, stem: &str) -> bool {
    files_under(dir).iter().any(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(stem)))
}

/// Where Python or its packages cannot be had.
const CANNOT_CHECK: i32 = 77;

/// Has the logs of a whole run read by programs that share no code with their writer; says so where it cannot.
fn read_independently(runs: &Path) -> Option<serde_json::Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("telemetry/tests/independent_reader.sh");
    let ran = std::process::Command::new("sh").arg(script).arg(runs).arg("--whole").output().expect("a shell");
    let complained = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(CANNOT_CHECK) {
        eprintln!("SKIPPED: the independent reader cannot run here: {complained}");
        return None;
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{complained}");
    Some(serde_json::from_str(said.trim()).expect("one JSON object"))
}

#[test]
fn a_fast_link_brings_results_of_the_cloud_and_all_eight_logs() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("fast.trace");
    // Four opportunities of 1500 bytes a millisecond: 48 Mbit/s.
    std::fs::write(&trace, "1\n1\n1\n1\n").unwrap();
    let flags = ["--for", "8s", "--slo", "3s", "--fps", "1", "--rtt", "10ms", "--json", "--trace"];
    let mut command = turbo(dir.path());
    let run = Program::start(command.arg("demo").args(flags).arg(&trace)).wait(PATIENCE);
    let report = result(&run);
    assert!(number(&report, "from_cloud") > 0, "{report}\n{}", run.stderr);
    let runs = dir.path().join("runs");
    for stem in [
        "client_queries_service1_temp",
        "camera_contexts_service1_temp",
        "server_results_service1_temp",
        "ping_loop_allservices_temp",
        "network_stat_log_service1_part",
        "image_context_log_outgoing_service1_part",
        "image_context_log_incoming_service1_part",
        "bandwidth_stat_log_allservices_part",
        "allocation_stat_log_allservices_part",
        "run.yaml",
        "threads.csv",
    ] {
        assert!(has_log(&runs, stem), "{stem} in {:?}", files_under(&runs));
    }
    assert!(report["run_dir"].is_string(), "{report}");
    if let Some(found) = read_independently(&runs) {
        let delivered = number(&found, "frames_delivered_by_the_cloud");
        assert_eq!(delivered, number(&report, "from_cloud"), "{found} {report}");
        assert_eq!(number(&found, "camera_contexts"), number(&report, "frames"), "{found}");
    }
    let items = |name: &str| -> u64 {
        let threads = report["threads"].as_array().expect("a list");
        let named = threads.iter().filter(|thread| thread["thread"].as_str().unwrap().starts_with(name));
        named.map(|thread| number(thread, "items")).sum()
    };
    let frames = number(&report, "frames");
    assert_eq!(
        (items("capture-"), items("service-")),
        (frames, frames),
        "every frame is counted where it passes: {report}"
    );
    let hops = files_under(&runs).into_iter().filter(|file| file.ends_with("hops.txt"));
    let mut both = HopHistograms::default();
    hops.for_each(|file| both += &std::fs::read_to_string(file).unwrap().parse().unwrap());
    assert_eq!(both.count(Hop::Total), frames, "car and cloud left what they measured, ready to be merged");
    assert!(both.count(Hop::CloudInference) >= 2 * number(&report, "from_cloud"), "the cloud's own and the car's");
}

#[test]
fn with_a_dead_link_the_car_decides_alone() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--for", "5s", "--fps", "1", "--mean-mbps", "0", "--json"];
    let run = Program::start(turbo(dir.path()).arg("demo").args(flags)).wait(PATIENCE);
    let report = result(&run);
    assert_eq!(number(&report, "from_cloud"), 0, "{report}");
}

#[test]
fn a_killed_cloud_comes_back() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--for", "15s", "--fps", "1", "--slo", "2s", "--json"];
    let mut demo = Program::start(turbo(dir.path()).arg("demo").args(flags));
    demo.wait_line("joined from", PATIENCE);
    let cloud = children_of(demo.id()).into_iter().find(|child| child.verb == "cloud").expect("a cloud");
    // SAFETY: a plain system call; the process is a child of the demo, which has not waited for it.
    assert_eq!(unsafe { libc::kill(cloud.pid, libc::SIGKILL) }, 0);
    demo.wait_line("starting another", PATIENCE);
    demo.wait_line("joined from", PATIENCE);
    let run = demo.wait(PATIENCE);
    result(&run);
}

#[test]
fn an_interrupt_ends_everything() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Program::start(turbo(dir.path()).args(["demo", "--json"]));
    demo.wait_line("joined from", PATIENCE);
    let children = children_of(demo.id());
    assert_eq!(children.len(), 2, "{children:?}");
    // SAFETY: a plain system call on a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(i32::try_from(demo.id()).unwrap(), libc::SIGINT) }, 0);
    let run = demo.wait(Duration::from_secs(20));
    result(&run);
    for child in children {
        assert!(!Path::new(&format!("/proc/{}", child.pid)).exists(), "{child:?} is still there");
    }
    assert!(has_log(&dir.path().join("runs"), "client_queries_service1_temp"));
}

#[test]
fn what_is_wrong_is_said_once_with_its_place_and_the_right_exit_code() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cloud = std::fs::read_to_string(root.join("config/demo-cloud.yaml")).unwrap();
    std::fs::write(path("key.yaml"), cloud.replace("\nworkers:", "\nworkerz:")).unwrap();
    std::fs::write(path("bad.trace"), "1\n2\nsoon\n").unwrap();
    std::fs::write(path("cut.onnx"), b"not a model").unwrap();
    std::fs::create_dir(path("frames")).unwrap();
    // A car whose table is of the models beside it, with one file in another's place; and one with an unknown policy.
    let car = std::fs::read_to_string(root.join("config/demo-car.yaml")).unwrap();
    let here = |text: &str| text.replace("../inference", root.join("inference").to_str().unwrap());
    let table = root.join("config/tables/demo.yaml");
    let other = here(&car).replace("turbo-edd0", "turbo-edd1").replace("tables/demo.yaml", table.to_str().unwrap());
    std::fs::write(path("other.yaml"), other).unwrap();
    let fixed = here(&car).replace("policy: turbo", "policy: fixed:edd9-imgcompNone-inpcomp50");
    std::fs::write(path("fixed.yaml"), fixed.replace("tables/demo.yaml", table.to_str().unwrap())).unwrap();
    std::fs::write(path("frames/cut.jpg"), [0xff, 0xd8, 0xff, 0xe0, 0, 16]).unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["cloud", "key.yaml"], 78, "workerz"),
        (&["cloud", "missing.yaml"], 78, "missing.yaml"),
        (&["demo", "--vehicle-model", "missing.onnx"], 78, "missing.onnx"),
        (&["demo", "--cloud-model", "big=missing.onnx"], 78, "missing.onnx"),
        (&["demo", "--for", "2s", "--cloud-model", "big=cut.onnx"], 78, "cut.onnx"),
        (&["demo", "--cloud-model", "big"], 2, "NAME=FILE"),
        (&["demo", "--trace", "bad.trace"], 78, "bad.trace:3:1"),
        (&["demo", "--trace", "missing.trace"], 78, "missing.trace"),
        (&["demo", "--for", "2s", "--frames", "frames"], 78, "cut.jpg"),
        (&["demo", "--for", "soon"], 2, "30s"),
        (&["car", "other.yaml"], 78, "the table was measured with another edd0 (aa03a48eb0939d9b)"),
        (&["car", "fixed.yaml"], 78, "has no such configuration; expected one of edd1-imgcomp50-inpcompNone"),
        (&["demo", "--loss", "2"], 2, "\"2\" is no probability; write a number from 0 to 1"),
        (&["link", "--server", "127.0.0.1:9", "--trace", "bad.trace"], 78, "bad.trace:3:1"),
    ];
    for (words, code, said) in cases {
        let run = Program::start(turbo(dir.path()).args(*words)).wait(PATIENCE);
        assert_eq!(run.code, Some(*code), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{words:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{words:?}: {}", run.stderr);
    }
}

#[test]
fn a_port_in_use_is_one_clear_error() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    transport::certs::DevPki::create(dir.path()).unwrap();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo-cloud.yaml");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cases: &[&[&str]] = &[
        &["link", "--server", "127.0.0.1:9"],
        &["cloud", profile.to_str().unwrap(), "--certs", ".", "--output-dir", "runs"],
    ];
    for words in cases {
        let run = Program::start(turbo(dir.path()).args(*words).args(["--listen", &address])).wait(PATIENCE);
        assert_eq!(run.code, Some(1), "{words:?}: {}", run.stderr);
        let said: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("turbo: ")).collect();
        assert!(matches!(said.as_slice(), [line] if line.contains(&address)), "{words:?}: {}", run.stderr);
    }
}

/// The exit code of a program whose output is not this test's.
fn code(command: &mut std::process::Command) -> Option<i32> {
    let mut child = command.spawn().unwrap();
    let process = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    let (told, ended) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || told.send(child.wait()));
    let Ok(status) = ended.recv_timeout(PATIENCE) else {
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
        panic!("it does not end");
    };
    status.unwrap().code()
}

/// Neither a full disk behind the output nor a reader that stopped reading ends the run or keeps it waiting.
#[test]
fn nobody_who_reads_the_output_is_needed() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut demo = turbo(dir.path());
    demo.args(["demo", "--for", "2s", "--services", "1", "--output-dir", "full"]);
    assert_eq!(code(demo.stdout(full()).stderr(full())), Some(0), "with a full disk");

    // A pipe that is full before the run begins, whose reader never reads.
    let (unread, mut pipe) = std::io::pipe().unwrap();
    let room = nix::fcntl::fcntl(&pipe, nix::fcntl::FcntlArg::F_GETPIPE_SZ).unwrap();
    pipe.write_all(&vec![b'x'; room as usize]).unwrap();
    let mut demo = turbo(dir.path());
    demo.args(["demo", "--for", "2s", "--services", "1", "--output-dir", "unread"]);
    assert_eq!(code(demo.stdout(full()).stderr(pipe)), Some(0), "with a pipe that nobody reads");
    drop(unread);
    for runs in ["full", "unread"] {
        assert!(has_log(&dir.path().join(runs), "client_queries_service1_temp0"), "{runs}");
    }
}
