//! A running car is told of its drive at its control socket: weights follow, in its state and its logs, and rubbish is
//! refused. That the allocation follows the weights is tested beside the allocator, with a link that is always the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
mod program;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use program::{Ended, Program, files_under, turbo};
use rt_core::clock::Monotonic;
use serde_json::Value;

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

fn run(dir: &Path, words: &[&str]) -> Ended {
    Program::start(turbo(dir).args(words)).wait(PATIENCE)
}

fn status(dir: &Path) -> Value {
    let told = run(dir, &["control", "ctl", "status", "--json"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let answers: Value = serde_json::from_str(told.stdout.trim()).expect("one JSON object");
    assert_eq!(answers["answers"][0]["ok"], true);
    serde_json::from_str(answers["answers"][0]["said"].as_str().unwrap()).expect("the status is JSON")
}

/// The first status that `is`; looks for as long as it takes, within reason.
fn wait_status(dir: &Path, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let end = Monotonic::now().plus(PATIENCE);
    loop {
        let status = status(dir);
        if is(&status) {
            return status;
        }
        assert!(Monotonic::now() < end, "never {what}: {status}");
    }
}

fn of<'a>(status: &'a Value, service: &str, key: &str) -> &'a Value {
    let services = status["services"].as_array().unwrap();
    &services.iter().find(|one| one["service"] == service).unwrap_or_else(|| panic!("no {service}: {status}"))[key]
}

fn number(status: &Value, service: &str, key: &str) -> f64 {
    of(status, service, key).as_f64().unwrap_or_else(|| panic!("{key} of {service} is a number: {status}"))
}

/// What the socket answers to these bytes.
fn answer(dir: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(dir.join("ctl")).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

/// All values of a column of log type 6.
fn logged(dir: &Path, column: &str) -> Vec<f64> {
    let is_log =
        |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with("allocation_stat_log_allservices_part");
    let mut values = Vec::new();
    for path in files_under(&dir.join("runs")).into_iter().filter(|path| is_log(path)) {
        let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let (_, value) = row.get_column_iter().find(|(name, _)| *name == column).expect("the column");
            let Field::Double(value) = value else { panic!("{column} is {value:?}") };
            values.push(*value);
        }
    }
    values
}

#[test]
fn weights_follow_the_drive_and_rubbish_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--slo", "2s", "--fps", "1", "--json", "--control", "ctl"];
    let mut demo = Program::start(turbo(dir.path()).arg("demo").args(flags));
    demo.wait_line("control: commands are taken at ctl", PATIENCE);
    demo.wait_line("joined from", PATIENCE);
    let dir = dir.path();
    let straight = wait_status(dir, "three services", |status| status["services"].as_array().unwrap().len() == 3);
    assert_eq!((number(&straight, "front", "weight"), number(&straight, "left", "weight")), (2.0, 1.0));
    assert_eq!(straight["rules"], serde_json::json!([]));

    // Rubbish of every kind is answered, and changes nothing.
    for (bytes, said) in [
        (&b"context left=1000\n"[..], "there is no \"left\""),
        (b"context speed_mps=NaN", "expected a number from 0 to 150"),
        (b"weights left 5", "is no command; expected context"),
        (b"\xff\xfe\x00\x01\n", "is no command"),
        (b"context tags=tunnel", "no rule knows the tag \"tunnel\"; expected none, or of crossing"),
    ] {
        let answered = answer(dir, bytes);
        assert!(answered.starts_with("error: ") && answered.contains(said), "{answered}");
    }
    assert!(answer(dir, &[b'x'; 9000]).contains("longer than 8192 bytes"));
    let refused = run(dir, &["control", "ctl", "context", "turn_signal=west"]);
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(refused.stderr.contains("\"west\" is no turn signal; expected off, left"), "{}", refused.stderr);
    assert_eq!(status(dir)["changes"], straight["changes"]);

    let told = run(dir, &["control", "ctl", "context", "turn_signal=left", "speed_mps=4.5", "steering_deg=-20"]);
    assert_eq!((told.code, told.stdout.as_str()), (Some(0), "ok\n"), "{}", told.stderr);
    let turning = wait_status(dir, "turning left", |status| {
        // Said anew each time: what is said is forgotten after ten seconds.
        assert_eq!(answer(dir, b"context turn_signal=left"), "ok\n");
        number(status, "left", "weight") == 4.0
    });
    assert_eq!(number(&turning, "front", "weight"), 2.0);
    assert_eq!(turning["rules"], serde_json::json!(["turning left"]));
    let line = demo.wait_line("context: weights", PATIENCE);
    assert!(line.contains("front 2, left 4 (was 1), right 1; active rules: turning left"), "{line}");

    assert_eq!(answer(dir, b"context turn_signal=off\n"), "ok\n");
    let straight = wait_status(dir, "straight on again", |status| number(status, "left", "weight") == 1.0);
    assert!(straight["changes"].as_u64().unwrap() > turning["changes"].as_u64().unwrap());
    let line = demo.wait_line("context: weights", PATIENCE);
    assert!(line.contains("left 1 (was 4)") && line.contains("active rules: none"), "{line}");

    kill(Pid::from_raw(demo.id() as i32), Signal::SIGTERM).unwrap();
    let ended = demo.wait(PATIENCE);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!dir.join("ctl").exists(), "the control socket's path is gone");
    let weights = logged(dir, "weight_service2");
    assert!(weights.contains(&1.0) && weights.contains(&4.0), "{weights:?}");
    assert!(logged(dir, "weight_service1").iter().all(|weight| *weight == 2.0));
}
