//! `turbo recover` as a user meets it: what it makes, what it leaves alone, what it says, and with which exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use std::path::Path;
use std::time::Duration;

use program::{Ended, Program, turbo};
use telemetry::part_writer::{DEFAULT_MAX_ENTRIES, PartWriter};
use telemetry::schema::required;

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

fn recover(dir: &Path, words: &[&str]) -> Ended {
    Program::start(turbo(dir).arg("recover").args(words)).wait(PATIENCE)
}

/// A log that took seven rows; dropped, it leaves them as a killed process would.
fn log(dir: &Path) -> PartWriter<u64> {
    std::fs::create_dir_all(dir).unwrap();
    let columns = vec![required("number", "", |row: &u64| *row)];
    let mut log = PartWriter::new(dir, "a log_part".to_owned(), ".parquet", columns, DEFAULT_MAX_ENTRIES);
    (0..7).for_each(|number| log.push(&[number]));
    log
}

#[test]
fn a_dead_run_is_completed_once_and_a_living_one_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (dead, living) = (dir.path().join("runs/ä dead/client"), dir.path().join("runs/living/client"));
    drop(log(&dead));
    let _alive = log(&living);
    let run = recover(dir.path(), &["runs", "--json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let answer: serde_json::Value = serde_json::from_str(run.stdout.trim()).expect("one JSON object");
    assert_eq!((&answer["run"], &answer["rows_recovered"]), (&"runs".into(), &7.into()), "{answer}");
    assert_eq!((&answer["parts_written"], &answer["in_use"]), (&1.into(), &1.into()), "{answer}");
    assert_eq!(answer["journals"][0]["outcome"], "in_use", "{answer}");
    assert_eq!(answer["journals"][1]["part"], "runs/ä dead/client/a log_part0.parquet", "{answer}");
    assert!(dead.join("a log_part0.parquet").is_file() && !living.join("a log_part0.parquet").exists());
    let again = recover(dir.path(), &["runs"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stdout.contains("its run is still going on"), "{}", again.stdout);
    assert!(again.stdout.contains("0 rows recovered to 0 parts, 1 logs of running"), "{}", again.stdout);
}

#[test]
fn what_cannot_be_recovered_is_said_and_makes_no_success() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".x.journal"), "a diary").unwrap();
    let run = recover(dir.path(), &["."]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains(".x.journal: left alone: not a journal"), "{}", run.stdout);
    assert_eq!(recover(dir.path(), &["nowhere"]).code, Some(78));
    assert_eq!(recover(dir.path(), &[".x.journal"]).code, Some(78));
    assert_eq!(recover(dir.path(), &[]).code, Some(2));
}
