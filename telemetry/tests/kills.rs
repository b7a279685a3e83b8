//! A process that logs through the real collector is killed at random instants; what it had taken is in the logs after
//! recovery, whole, in order and once. Recoveries are killed too.
//!
//! `cargo test -p telemetry --test kills -- --ignored --nocapture` kills a thousand times.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;
mod victim;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::*;
use parquet::record::{Field, Row};
use rt_core::clock::Monotonic;
use telemetry::journal::{Outcome, RecoveryReport, recover};
use victim::{Progress, RING, SERVICES};

/// Set in a process that is to be killed: where it logs, or recovers.
const LOGS_AT: &str = "TELEMETRY_TEST_KILLED_LOGGER";
const RECOVERS_AT: &str = "TELEMETRY_TEST_KILLED_RECOVERY";

/// Not a test by itself: the process that logs until it is killed.
#[test]
fn logger() {
    if let Some(output) = std::env::var_os(LOGS_AT) {
        victim::log_for_ever(Path::new(&output));
    }
}

/// Not a test by itself: a recovery in a process of its own.
#[test]
fn recovery() {
    if let Some(output) = std::env::var_os(RECOVERS_AT) {
        drop(recover(Path::new(&output)));
    }
}

fn start(role: &str, variable: &str, output: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", role, "--nocapture"])
        .env(variable, output)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Xorshift: instants that differ and can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Busy for a random time, so that the instant is not one at which the other process happens to wait as well.
    fn pause(&mut self, bound_us: u64) {
        let until = Monotonic::now().plus(std::time::Duration::from_micros(self.below(bound_us)));
        while Monotonic::now() < until {
            std::hint::spin_loop();
        }
    }
}

/// What happened in all rounds together.
#[derive(Debug, Default)]
struct Totals {
    kills: u64,
    kills_of_recoveries: u64,
    frames_taken: u64,
    rows_checked: u64,
    rows_recovered: u64,
    journals_already_in_parts: u64,
    records_discarded: u64,
}

fn round(output: &Path, dice: &mut Dice, totals: &mut Totals) {
    let progress = Progress::create(output);
    let mut child = start("logger", LOGS_AT, output);
    let enough = dice.below(400);
    while progress.frames(1) < enough {
        assert!(child.try_wait().unwrap().is_none(), "the logger ended by itself");
        std::thread::yield_now();
    }
    dice.pause(5_000);
    kill(child);
    totals.kills += 1;

    while dice.below(3) == 0 {
        let recovery = start("recovery", RECOVERS_AT, output);
        dice.pause(40_000);
        kill(recovery);
        totals.kills_of_recoveries += 1;
    }
    let report = recover(output);
    check_report(&report);
    totals.rows_recovered += report.rows_recovered;
    totals.records_discarded += report.records_discarded;
    totals.journals_already_in_parts +=
        report.journals.iter().filter(|journal| journal.outcome == Outcome::AlreadyInParts).count() as u64;
    assert!(recover(output).journals.is_empty(), "recovering again finds nothing");
    check_logs(output, &progress, totals);
}

fn check_report(report: &RecoveryReport) {
    assert_eq!((report.failed, report.left_alone, report.in_use), (0, 0, 0), "{report:?}");
}

fn check_logs(output: &Path, progress: &Progress, totals: &mut Totals) {
    let mut fewest = u64::MAX;
    for service in SERVICES {
        let stem = format!("client_queries_service{service}_temp");
        let rows = log(output, "client_main", "client", &stem, ".csv");
        let seqs: Vec<u64> = rows.iter().map(|row| whole(row, "frame_seq")).collect();
        let taken = progress.frames(service);
        let frames = seqs.last().map_or(0, |last| last + 1);
        let expected: Vec<u64> =
            (0..frames).flat_map(|seq| std::iter::repeat_n(seq, victim::boxes_of(seq).max(1))).collect();
        assert_eq!(seqs, expected, "{stem}: a frame is missing, torn, doubled or out of order");
        assert!(frames >= taken, "{stem}: {taken} frames were taken, {frames} are there");
        totals.frames_taken += taken;
        totals.rows_checked += seqs.len() as u64;
        fewest = fewest.min(taken);
    }
    let others = [
        ("quic_client", "quic-client-out", "bandwidth_stat_log_allservices_part", ".parquet", "instant_timestamp"),
        ("quic_client", "quic-client-out", "allocation_stat_log_allservices_part", ".parquet", "instant_timestamp"),
        ("server_main", "server", "server_results_service1_temp", "", "context_id"),
    ];
    for (role, subdir, stem, extension, column) in others {
        let rows = log(output, role, subdir, stem, extension);
        let numbers: Vec<u64> = rows.iter().map(|row| whole(row, column)).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{stem}");
        // These are emitted before the frame of the same number; what is in the ring is not taken yet.
        let missing = fewest.saturating_sub(numbers.len() as u64);
        assert!(missing <= RING as u64, "{stem}: {} rows for {fewest} frames", numbers.len());
        totals.rows_checked += numbers.len() as u64;
    }
}

/// All rows of a log by part number; nothing else may be in its directory than whole parts, numbered from 0. A process
/// that was killed before it made the directory has no rows.
fn log(output: &Path, role: &str, subdir: &str, stem: &str, extension: &str) -> Vec<Row> {
    let runs = std::fs::read_dir(output).unwrap().map(|entry| entry.unwrap().path());
    let run = runs.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(role));
    let Some(dir) = run.map(|run| run.join(subdir)).filter(|dir| dir.is_dir()) else { return Vec::new() };
    let all = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let hidden: Vec<String> = all.filter(|name| name.starts_with('.')).collect();
    assert!(hidden.is_empty(), "{}: {hidden:?} was left", dir.display());
    parts(&dir, stem, extension).iter().flat_map(|part| rows(part)).collect()
}

fn whole(row: &Row, column: &str) -> u64 {
    match value(row, column) {
        Field::ULong(number) => number,
        Field::Double(number) => number as u64,
        Field::Str(number) => number.parse().unwrap(),
        other => panic!("{column}: {other:?}"),
    }
}

fn kill_many(count: u64, seed: u64) -> Totals {
    let mut dice = Dice(seed);
    let mut totals = Totals::default();
    // In memory the instants of a part's making come up most, on a disk those of waiting for it.
    let memory = Path::new("/dev/shm");
    for number in 0..count {
        let in_memory = number % 2 == 0 && memory.is_dir();
        let output = if in_memory { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        round(output.path(), &mut dice, &mut totals);
    }
    totals
}

#[test]
fn a_kill_at_any_instant_loses_nothing_that_was_taken() {
    let totals = kill_many(16, 0x5eed_0001);
    eprintln!("{totals:?}");
    assert!(totals.rows_recovered > 0, "{totals:?}");
}

#[test]
#[ignore = "takes several minutes"]
fn a_thousand_kills_lose_nothing_that_was_taken() {
    let totals: Vec<Totals> = std::thread::scope(|scope| {
        let rounds: Vec<_> = (1..=4).map(|seed| scope.spawn(move || kill_many(250, 0x5eed_1000 * seed))).collect();
        rounds.into_iter().map(|rounds| rounds.join().unwrap()).collect()
    });
    println!("{totals:#?}");
    assert_eq!(totals.iter().map(|totals| totals.kills).sum::<u64>(), 1_000);
    assert!(totals.iter().all(|totals| totals.rows_recovered > 0 && totals.kills_of_recoveries > 0));
}
