//! Runs with everything wrong that can be: said clearly, and the rest still reported.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly, as tests may")]

mod synthetic;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use synthetic::{Generated, Plan, generate};
use turbo_report::part::{Wanted, read};
use turbo_report::report::{Report, build};
use turbo_report::run::Run;

fn made(folder: &Path) -> Generated {
    generate(folder, &Plan { seconds: 20, ..Plan::default() })
}

fn report(run: &Generated) -> Report {
    build(Run::find(std::slice::from_ref(&run.client)).unwrap()).0
}

fn said(report: &Report, file: &str, words: &str) {
    let found =
        report.missing.findings.iter().any(|finding| finding.file.contains(file) && finding.text.contains(words));
    assert!(found, "{file}: {words}: {:?}", report.missing.findings);
}

fn turbo_report(words: &[&OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_turbo-report")).args(words).output().unwrap()
}

#[test]
fn damaged_and_foreign_parts_are_named_and_the_others_count() {
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    let whole = report(&run).services.last().unwrap().frames;
    let part = |name: &str| run.client_logs.join(name);
    let bytes = std::fs::read(part("client_queries_service1_temp0.csv")).unwrap();
    std::fs::write(part("client_queries_service1_temp0.csv"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(part("client_queries_service1_temp1.csv"), "service_id,context_id\n1,1\n").unwrap();
    std::fs::write(part("client_queries_service1_temp2.csv"), "").unwrap();
    let mut footer = std::fs::read(part("client_queries_service2_temp0.csv")).unwrap();
    let end = footer.len();
    footer[end - 60..end - 8].fill(0xa5);
    std::fs::write(part("client_queries_service2_temp0.csv"), footer).unwrap();
    std::fs::write(part("notes.txt"), "mine").unwrap();
    std::fs::write(part(".client_queries_service1_temp9.csv.partial"), "half").unwrap();
    std::fs::write(run.client.join("hops.txt"), "turbo-hops 1\nbounds_ns 1 2 digits 9\n").unwrap();
    std::fs::write(run.client.join("threads.csv"), "thread,drops\nencode-1,5\nbroken\n").unwrap();
    std::fs::write(run.client.join("run.yaml"), "version: [").unwrap();
    let report = report(&run);
    said(&report, "client_queries_service1_temp0.csv", "is cut short");
    said(&report, "client_queries_service1_temp1.csv", "is not a Parquet file");
    said(&report, "client_queries_service1_temp2.csv", "is empty");
    said(&report, "client_queries_service2_temp0.csv", "is damaged");
    said(&report, "notes.txt", "belongs to no log");
    said(&report, ".partial", "turbo recover");
    said(&report, "hops.txt", "line 2");
    said(&report, "threads.csv", "line 3 has 1 cells");
    said(&report, "run.yaml", "is no run information");
    let missing = &report.missing;
    assert_eq!((missing.unreadable_parts, missing.unfinished_parts, missing.foreign_files), (4, 1, 1));
    assert_eq!(missing.dropped_by_threads, 5);
    let all = report.services.last().unwrap();
    assert!(all.frames > 0 && all.frames < whole, "{} of {whole}", all.frames);
    assert_eq!(all.frames + all.frames_lost, whole);
    let output = turbo_report(&[run.client.as_os_str()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text.find("MISSING").unwrap() < text.find("service ").unwrap(), "{text}");
    assert!(output.stderr.is_empty(), "the reader's panics are not the user's: {output:?}");
}

#[test]
fn what_is_no_regular_file_is_named_and_never_read() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    let whole = report(&run).services.last().unwrap().frames;
    // To read any of these would take forever, or all memory.
    symlink("/dev/zero", run.client_logs.join("client_queries_service1_temp999.csv")).unwrap();
    symlink(&run.client, run.client_logs.join("camera_contexts_service1_temp999.csv")).unwrap();
    std::fs::create_dir_all(run.client.join("events")).unwrap();
    symlink("/dev/zero", run.client.join("events/events_2026-01-01_000000.bin")).unwrap();
    std::fs::remove_file(run.client.join("hops.txt")).unwrap();
    symlink("/dev/zero", run.client.join("hops.txt")).unwrap();
    std::fs::remove_file(run.client.join("run.yaml")).unwrap();
    symlink("/dev/zero", run.client.join("run.yaml")).unwrap();
    let long = std::fs::File::create(run.client_logs.join("client_queries_service2_temp999.csv")).unwrap();
    long.set_len(1 << 40).unwrap();
    // A link to a part is a part.
    let part = run.client_logs.join("client_queries_service1_temp0.csv");
    std::fs::rename(&part, folder.path().join("elsewhere")).unwrap();
    symlink(folder.path().join("elsewhere"), &part).unwrap();
    let report = report(&run);
    said(&report, "client_queries_service1_temp999.csv", "is no regular file");
    said(&report, "camera_contexts_service1_temp999.csv", "is no regular file");
    said(&report, "events_2026-01-01_000000.bin", "is no regular file");
    said(&report, "hops.txt", "is no regular file");
    said(&report, "run.yaml", "is no regular file");
    said(&report, "client_queries_service2_temp999.csv", "longer than");
    assert_eq!(report.services.last().unwrap().frames, whole);
}

#[test]
fn a_run_of_an_older_version_is_reported_without_what_it_lacks() {
    use std::num::NonZeroUsize;
    use telemetry::part_writer::PartWriter;
    use telemetry::schema::{Column, required};

    type Row = f64;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("client_main_2024-05-06_07-08-09/client");
    std::fs::create_dir_all(&dir).unwrap();
    let names = ["start_time_unix", "start_time", "camera_recv_latency", "response_listen_end_time", "total_latency"];
    let mut columns: Vec<Column<Row>> = vec![
        required("service_id", "", |_: &Row| 1_i32),
        required("context_id", "", |row: &Row| *row as i32),
        required("allocated_model", "", |_: &Row| "edd4"),
        required("remote_request_received", "", |row: &Row| *row < 30.0),
    ];
    columns.extend(names.map(|name| required(name, "", |_: &Row| 0.25_f64)));
    let mut writer =
        PartWriter::new(&dir, "client_queries_service1_temp".to_owned(), ".csv", columns, NonZeroUsize::MAX);
    (0..40).for_each(|row| writer.push(&[f64::from(row)]));
    writer.finish();
    let report = build(Run::find(&[folder.path().to_owned()]).unwrap()).0;
    said(&report, "client_queries", "older version");
    let all = report.services.last().unwrap();
    assert_eq!((all.frames, all.from("cloud"), all.from("vehicle")), (40, 30, 10));
    assert_eq!(all.latency_ms.map(|latency| latency.p50.round()), Some(250.0));
}

#[test]
fn steps_of_the_unix_clock_are_told() {
    use std::num::NonZeroUsize;
    use telemetry::part_writer::PartWriter;
    use telemetry::schema::{Column, required};

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("client_main_2024-05-06_07-08-09/client");
    std::fs::create_dir_all(&dir).unwrap();
    let columns: Vec<Column<i32>> = vec![
        required("context_id", "", |row: &i32| *row),
        required("allocated_model", "", |_: &i32| "edd4"),
        required("start_time", "", |row: &i32| f64::from(*row)),
        // An hour back between frames 4 and 5, inside of a part; ten seconds on between 9 and 10, between two.
        required("start_time_unix", "", |row: &i32| {
            1.7e9 + f64::from(*row) - if *row > 4 { 3600.0 } else { 0.0 } + if *row > 9 { 10.0 } else { 0.0 }
        }),
        required("response_listen_end_time", "", |row: &i32| f64::from(*row) + 0.1),
    ];
    let ten = NonZeroUsize::new(10).unwrap();
    let mut writer = PartWriter::new(&dir, "client_queries_service1_temp".to_owned(), ".csv", columns, ten);
    (0..20).for_each(|row| writer.push(&[row]));
    let report = build(Run::find(&[folder.path().to_owned()]).unwrap()).0;
    let steps: Vec<i64> = report.missing.clock_steps.iter().map(|step| step.round() as i64).collect();
    assert_eq!(steps, [-3600, 10]);
    said(&report, "client_queries", "the Unix clock was stepped by -3600.000 s");
}

#[test]
fn names_with_odd_characters_are_spelled_out() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"r\xc3\xbcn \x1b[31m\n\xff 'x'"));
    std::fs::create_dir(&odd).unwrap();
    let run = made(&odd);
    std::fs::write(run.client_logs.join("line\nbreak <b>.txt"), "").unwrap();
    let report = report(&run);
    assert_eq!(report.services.last().map(|all| all.frames), Some(run.frames));
    said(&report, "line\\nbreak <b>.txt", "belongs to no log");
    let output = turbo_report(&[run.client.as_os_str()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!output.stdout.contains(&0x1b), "{output:?}");
    let page = turbo_report::show::html::page(&report);
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"));
}

#[test]
fn what_is_no_run_is_wrong_use_and_an_empty_run_is_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let foreign = folder.path().join("holidays");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("beach.jpg"), "sand").unwrap();
    let cases = [
        (empty.as_os_str(), "is not a run: it is empty"),
        (file.as_os_str(), "is not a directory"),
        (foreign.as_os_str(), "none of its 1 files is a log"),
        (OsStr::new("/no/such/run"), "No such file"),
    ];
    for (path, words) in cases {
        for flag in ["--json", "--verify"] {
            let output = turbo_report(&[path, OsStr::new(flag)]);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{path:?}: {error}");
            assert!(error.contains(words) && error.contains("client_main_"), "{path:?}: {error}");
        }
    }
    assert_eq!(turbo_report(&[]).status.code(), Some(2));
    let killed = folder.path().join("runs/client_main_2026-01-02_03-04-05/client");
    std::fs::create_dir_all(&killed).unwrap();
    let output = turbo_report(&[killed.parent().unwrap().as_os_str()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("holds no log at all"), "{output:?}");
}

#[test]
fn the_exit_code_of_verify_says_whether_the_logs_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    let verify = || {
        let output = turbo_report(&[run.client.as_os_str(), OsStr::new("--verify"), OsStr::new("--json")]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), json["errors"].as_u64())
    };
    assert_eq!(verify(), (Some(0), Some(0)));
    std::fs::write(run.quic_logs.join("bandwidth_stat_log_allservices_part0.parquet"), "").unwrap();
    assert_eq!(verify(), (Some(1), Some(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever becomes of a part's bytes, reading it ends, and with a table or a reason.
    #[test]
    fn no_damage_to_a_part_brings_the_reader_down(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in prop::option::of(any::<prop::sample::Index>())) {
        static PART: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let folder = tempfile::tempdir().unwrap();
            let run = generate(folder.path(), &Plan { seconds: 2, ..Plan::default() });
            std::fs::read(run.client_logs.join("client_queries_service1_temp0.csv")).unwrap()
        });
        turbo_report::part::quiet_reader_panics();
        let mut bytes = PART.clone();
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        match read(file.path(), Wanted::All) {
            Ok(table) => prop_assert!(table.rows() <= 5_000_000),
            Err(problem) => prop_assert!(!problem.to_string().is_empty()),
        }
    }
}
