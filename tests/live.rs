//! `turbo tail` and `turbo top` beside real cars, clouds and links: found without a path, told in full, and no burden
//! whatever becomes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
mod program;

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use program::{Ended, Program, children_of, turbo};
use rt_core::clock::Monotonic;
use serde_json::Value;

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

/// Two cores carry so many demos at a time.
static MACHINE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program in `dir`, where nothing else that runs on this machine is found.
fn here(dir: &Path, words: &[&str]) -> Command {
    let mut command = turbo(dir);
    command.env("XDG_RUNTIME_DIR", dir).args(words);
    command
}

fn run(dir: &Path, words: &[&str]) -> Ended {
    Program::start(&mut here(dir, words)).wait(PATIENCE)
}

fn success(dir: &Path, words: &[&str]) -> Vec<Value> {
    let ended = run(dir, words);
    assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
    ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn refused(dir: &Path, words: &[&str], code: i32, said: &str) {
    let ended = run(dir, words);
    assert_eq!(ended.code, Some(code), "{words:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
}

/// A demo, and the name of its car.
fn demo(dir: &Path) -> (Program, String) {
    let flags = ["demo", "--fps", "2", "--json"];
    let mut demo = Program::start(&mut here(dir, &flags));
    let line = demo.wait_line("live: turbo top car-", PATIENCE);
    let name = line.split_whitespace().nth(3).unwrap().trim_end_matches(',').to_owned();
    (demo, name)
}

fn signal(id: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).expect("it is there");
}

/// The process of a demo's car.
fn car_of(demo: &Program) -> u32 {
    let car = children_of(demo.id()).into_iter().find(|child| child.verb == "car").expect("a car");
    u32::try_from(car.pid).unwrap()
}

/// Ends a demo, every frame of which has its decision. Its car is asked, which may take its time on a slow machine.
fn end(demo: Program) -> Ended {
    signal(car_of(&demo), Signal::SIGTERM);
    let ended = demo.wait(PATIENCE);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let report: Value = serde_json::from_str(ended.stdout.trim()).expect("one JSON object");
    assert!(report["frames"].as_u64().unwrap() > 0 && report["frames"] == report["decisions"], "{report}");
    ended
}

fn snapshot(dir: &Path) -> Value {
    let told = success(dir, &["top", "--once", "--json"]);
    assert_eq!((told.len(), &told[0]["type"]), (1, &"snapshot".into()));
    told[0].clone()
}

fn named<'a>(snapshot: &'a Value, list: &str, key: &str) -> BTreeSet<&'a str> {
    snapshot[list].as_array().unwrap().iter().map(|one| one[key].as_str().unwrap()).collect()
}

#[test]
fn a_demo_is_tailed_and_looked_at_without_a_path_and_goes_on_whatever_becomes_of_those_who_do() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    refused(dir, &["tail"], 1, "start one, such as turbo demo");
    let (mut demo, name) = demo(dir);
    demo.wait_line("joined from", PATIENCE);

    let told = success(dir, &["tail", "--json", "--topic", "decided", "--count", "5"]);
    assert_eq!(told[0]["type"], "begin");
    let decided: Vec<&Value> = told.iter().filter(|line| line["type"] == "event").collect();
    assert_eq!(decided.len(), 5, "{told:?}");
    for line in decided {
        assert_eq!((&line["severity"], &line["subsystem"]), (&"info".into(), &"decision".into()));
        assert!(
            line["at_unix_s"].as_f64().unwrap() > 1e9 && line["source"].as_str().unwrap().starts_with("decisions-")
        );
    }
    let states = success(dir, &["tail", "--json", "--topic", "state", "--count", "1"]);
    assert!(states[1]["text"].as_str().unwrap().starts_with("state: "), "what was said before is told: {states:?}");
    let words = ["tail", "cloud", "--severity", "debug", "--subsystem", "gate*", "--count", "1"];
    let text = run(dir, &words);
    assert!(text.code == Some(0) && text.stdout.contains("gateway/peer: "), "{}{}", text.stdout, text.stderr);

    let give_up = Monotonic::now().plus(PATIENCE);
    let seen = loop {
        let seen = snapshot(dir);
        if !seen["link"].is_null() && !seen["hops"].as_array().unwrap().is_empty() {
            break seen;
        }
        assert!(Monotonic::now() < give_up, "{seen}");
    };
    assert_eq!((&seen["state"], &seen["who"]["program"]), (&"running".into(), &"car".into()));
    assert!(named(&seen, "hops", "hop").contains("total"), "{seen}");
    let threads = named(&seen, "threads", "thread");
    assert!(
        ["capture-1", "encoder-1", "service-1", "collector", "transport"].iter().all(|name| threads.contains(name)),
        "{threads:?}"
    );
    let capture = seen["threads"].as_array().unwrap().iter().find(|thread| thread["thread"] == "capture-1").unwrap();
    assert!(capture["tid"].is_u64() && capture["counters"]["items"].as_u64().unwrap() > 0, "{capture}");
    assert!(named(&seen, "rings", "ring").contains("decisions-1"), "{seen}");
    assert!(
        seen["services"][0]["decisions"].as_u64().unwrap() > 0 && seen["link"]["estimate_mbps"].as_f64().unwrap() > 0.0
    );
    let text = run(dir, &["top", "--once"]);
    assert!(
        text.code == Some(0) && text.stdout.starts_with(&name) && text.stdout.contains("hops of the last"),
        "{}",
        text.stdout
    );
    let handed = |from: &str, to: &str, what: &str| {
        let all = seen["handovers"].as_array().unwrap();
        let one = all.iter().find(|one| one["from"] == from && one["to"] == to && one["handover"] == what);
        one.unwrap_or_else(|| panic!("{from} to {to}, {what}: {all:?}")).clone()
    };
    for (from, to, what) in [
        ("capture-1", "encoder-1", "frame"),
        ("capture-1", "detector", "frame"),
        ("capture-1", "service-1", "frame's news"),
        ("detector", "service-1", "vehicle's result"),
    ] {
        let seen = handed(from, to, what);
        let count = |key: &str| seen[key].as_u64().unwrap();
        assert!(count("sent") > 0 && count("most_waiting") >= 1, "{seen}");
        assert!(count("waiting") <= count("most_waiting") && count("most_waiting") <= count("capacity"), "{seen}");
    }
    assert_eq!(handed("encoder-1", "transport", "payload")["capacity"], 1, "only the newest waits");
    assert!(handed("transport", "service-1", "cloud's result")["capacity"].as_u64().unwrap() > 1);
    let cloud = success(dir, &["top", "cloud", "--once", "--json"]);
    let gateway = &cloud[0]["gateway"];
    assert_eq!((&cloud[0]["who"]["program"], &gateway["cars"]), (&"cloud".into(), &1.into()));
    assert!(gateway["connections"].as_u64().unwrap() >= 1 && gateway["refused"] == 0, "{gateway}");
    assert!(named(&cloud[0], "workers", "worker").contains("worker-1"), "{}", cloud[0]);
    assert!(cloud[0]["workers"][0]["busy"].as_f64().is_none_or(|part| (0.0..=1.0).contains(&part)));
    let text = run(dir, &["top", "cloud", "--once"]);
    assert!(text.stdout.contains("gateway  cars 1  connections "), "{}", text.stdout);
    let link = success(dir, &["top", "link", "--once", "--json"]);
    let up = &link[0]["emulated"]["up"];
    assert_eq!(link[0]["who"]["program"], "link");
    assert!(up["offered"].as_u64().unwrap() > 0 && up["delivered"].as_u64().unwrap() > 0, "{up}");

    // The same ways lead to whoever is to be told something.
    let told = success(dir, &["control", "status", "--json"]);
    assert_eq!(told[0]["answers"][0]["ok"], true, "the only car: {told:?}");
    let told = success(dir, &["control", &name, "context", "speed_mps=3", "--json"]);
    assert_eq!(told[0]["answers"][0]["ok"], true, "{told:?}");
    let told = success(dir, &["control", "link", "rate", "up", "12", "--json"]);
    assert_eq!(told[0]["answers"][0]["ok"], true, "{told:?}");
    refused(dir, &["control", "cloud", "rate", "up", "12"], 78, "is no command");
    refused(dir, &["control", "car-1", "status"], 1, "no car, cloud or link is called \"car-1\"; there are");
    refused(dir, &["control", "no/such.sock", "status"], 1, "no/such.sock: No such file");

    refused(dir, &["top"], 2, "turbo top --once");
    refused(dir, &["top", "--json"], 2, "--once");
    refused(dir, &["tail", "--topic", "hopp"], 2, "no topic is called \"hopp\"");
    refused(dir, &["tail", "--severity", "loud"], 2, "debug, info, warning, error");
    refused(dir, &["top", "car-1"], 1, "no car, cloud or link is called \"car-1\"; there are");
    refused(dir, &["tail", "config"], 1, "no car, cloud or link is called");

    // One that is stopped, one that is killed, and those that talk rubbish or never read.
    let mut stopped = Program::start(&mut here(dir, &["tail", "--severity", "debug"]));
    stopped.wait_line("tail: car-", PATIENCE);
    signal(stopped.id(), Signal::SIGSTOP);
    let mut killed = Program::start(&mut here(dir, &["tail", "--severity", "debug"]));
    killed.wait_line("tail: car-", PATIENCE);
    signal(killed.id(), Signal::SIGKILL);
    let socket: PathBuf = dir.join("turbo").join(format!("{name}.sock"));
    let rubbish: Vec<UnixStream> = (0..100)
        .map(|number| {
            let mut stream = UnixStream::connect(&socket).expect("it listens");
            let request: &[u8] = if number % 2 == 0 { b"subscribe events severity=debug\n" } else { &[0xff; 20_000] };
            // One that is turned away finds the other end closed.
            let _ = stream.write_all(request);
            stream
        })
        .collect();
    drop(rubbish);
    let give_up = Monotonic::now().plus(PATIENCE);
    while run(dir, &["tail", "--topic", "decided", "--count", "3"]).code != Some(0) {
        assert!(Monotonic::now() < give_up, "places come back");
    }

    // What the event log has, and then what comes: each decision of a service once.
    let run_dir = PathBuf::from(seen["who"]["run_dir"].as_str().unwrap());
    let told = success(dir, &["tail", run_dir.to_str().unwrap(), "--json", "--topic", "decided", "--for", "6s"]);
    let begin = told.iter().position(|line| line["type"] == "begin").expect("the join is told");
    assert!(begin > 0 && told[..begin].iter().all(|line| line["type"] == "event"), "first what lies in the log");
    let mut seqs: Vec<u64> = told
        .iter()
        .filter(|line| line["type"] == "event" && line["service"] == 1 && line["late"] == false)
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    seqs.sort_unstable();
    assert!(seqs.len() > 2 && seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");

    // What was said is in there as well, and told once.
    let told = success(dir, &["tail", run_dir.to_str().unwrap(), "--json", "--topic", "state", "--for", "2s"]);
    let running = |line: &&Value| line["text"].as_str().unwrap().contains("running");
    let notes = told.iter().filter(|line| line["type"] == "note");
    assert_eq!(notes.filter(running).count(), 1, "{told:?}");

    // Without its file it is not found any more; who is there stays.
    let mut follower = Program::start(&mut here(dir, &["tail", &name, "--topic", "state"]));
    follower.wait_line("tail: car-", PATIENCE);
    std::fs::remove_file(&socket).unwrap();
    refused(dir, &["tail", "car"], 1, "no car, cloud or link is called \"car\"; there are");
    end(demo);
    let followed = follower.wait(PATIENCE);
    assert!(
        followed.code == Some(0) && followed.stdout.contains("the run is over"),
        "{}{}",
        followed.stdout,
        followed.stderr
    );
    signal(stopped.id(), Signal::SIGCONT);
    stopped.wait(PATIENCE);

    let past =
        success(dir, &["tail", run_dir.to_str().unwrap(), "--json", "--severity", "debug", "--topic", "decided"]);
    assert!(past.len() > 40 && past.iter().all(|line| line["topic"] == "decided"), "{}", past.len());
    let said = success(dir, &["tail", run_dir.to_str().unwrap(), "--json", "--topic", "state", "--topic", "connected"]);
    assert!(said.iter().all(|line| line["type"] == "note") && said.iter().any(|line| running(&line)), "{said:?}");
    assert!(said.iter().any(|line| line["topic"] == "connected"), "{said:?}");
    refused(dir, &["tail", run_dir.join("client").to_str().unwrap()], 78, "no event log");
    std::fs::write(run_dir.join("events").join("events_0.bin"), "rubbish").unwrap();
    refused(dir, &["tail", run_dir.to_str().unwrap()], 1, "1 of 2 files of the event log cannot be read");
}

#[test]
fn of_two_demos_one_has_to_be_named_and_one_that_is_killed_is_said_to_have_gone() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (first, first_name) = demo(dir);
    let (second, second_name) = demo(dir);
    let ended = run(dir, &["tail"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains(&first_name) && ended.stderr.contains(&second_name), "{}", ended.stderr);
    for verb in [&["control", "status"][..], &["top", "--once"]] {
        refused(dir, verb, 2, &format!("name one, such as turbo {} ", verb[0]));
        refused(dir, verb, 2, &second_name);
    }
    let told = success(dir, &["tail", &second_name, "--json", "--topic", "decided", "--count", "1"]);
    assert!(told[0]["text"].as_str().unwrap().starts_with(&second_name), "{told:?}");

    let mut follower = Program::start(&mut here(dir, &["tail", &first_name]));
    follower.wait_line("tail: car-", PATIENCE);
    signal(car_of(&first), Signal::SIGKILL);
    let followed = follower.wait(PATIENCE);
    assert_eq!(followed.code, Some(1), "{}", followed.stdout);
    assert!(followed.stderr.contains("went away without a word"), "{}", followed.stderr);
    drop(first.wait(PATIENCE));
    let alone = success(dir, &["top", "--once", "--json"]);
    assert!(second_name.ends_with(&alone[0]["who"]["pid"].to_string()), "its socket's file says nothing any more");
    end(second);
}
