//! When parts are spilled, and what stays when they cannot be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::num::NonZeroUsize;
use std::path::Path;

use common::*;
use parquet::record::Field;
use proptest::prelude::*;
use telemetry::part_writer::{DEFAULT_MAX_ENTRIES, PartWriter};
use telemetry::run_clock::RunClock;
use telemetry::schema::{BandwidthRow, QueryRow, bandwidth_stat, client_queries};

fn entries(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn bandwidth(dir: &Path, max_entries: usize) -> PartWriter<BandwidthRow> {
    PartWriter::new(dir, "log_part".to_owned(), ".parquet", bandwidth_stat(), entries(max_entries))
}

fn push(writer: &mut PartWriter<BandwidthRow>, seqs: std::ops::Range<u64>) {
    let clock = RunClock::new(run_start());
    seqs.for_each(|seq| writer.push(&[BandwidthRow::of(&link(seq), &clock)]));
}

#[test]
fn the_default_is_the_original_s_hundred() {
    assert_eq!(DEFAULT_MAX_ENTRIES.get(), 100);
}

#[test]
fn the_row_that_fills_a_part_spills_it_and_the_rest_waits_for_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = bandwidth(dir.path(), 10);
    push(&mut writer, 0..9);
    assert!(files(dir.path()).is_empty());
    push(&mut writer, 9..10);
    assert_eq!(files(dir.path()), ["log_part0.parquet"]);
    push(&mut writer, 10..23);
    assert_eq!(files(dir.path()), ["log_part0.parquet", "log_part1.parquet"]);
    writer.finish();
    writer.finish();
    let parts = parts(dir.path(), "log_part", ".parquet");
    assert_eq!(parts.iter().map(|part| rows(part).len()).collect::<Vec<_>>(), [10, 10, 3]);
    assert_eq!((writer.health().parts_written, writer.health().rows_written), (3, 23));
}

#[test]
fn rows_of_a_part_that_cannot_be_written_are_counted_and_the_next_part_is_tried_again() {
    let output = tempfile::tempdir().unwrap();
    let dir = output.path().join("gone");
    let mut writer = bandwidth(&dir, 5);
    push(&mut writer, 0..12);
    assert_eq!((writer.health().rows_lost, writer.health().rows_written), (10, 0));
    let error = writer.health().last_error.clone().unwrap();
    assert!(error.contains(&dir.display().to_string()), "{error}");
    std::fs::create_dir(&dir).unwrap();
    push(&mut writer, 12..15);
    assert_eq!((writer.health().rows_lost, writer.health().rows_written), (10, 5));
    assert_eq!(files(&dir), ["log_part0.parquet"]);
}

#[test]
fn a_part_that_is_there_already_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("log_part0.parquet"), b"another run's").unwrap();
    let mut writer = bandwidth(dir.path(), 1);
    push(&mut writer, 0..2);
    assert_eq!(files(dir.path()), ["log_part0.parquet", "log_part1.parquet", "log_part2.parquet"]);
    assert_eq!(std::fs::read(dir.path().join("log_part0.parquet")).unwrap(), b"another run's");
}

/// Set in a process that is to be killed: the directory it writes to.
const VICTIM_DIR: &str = "TELEMETRY_TEST_VICTIM_DIR";

/// Not a test by itself: what `a_killed_writer…` runs in a second process.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM_DIR) else { return };
    let mut writer = bandwidth(Path::new(&dir), 20);
    push(&mut writer, 0..u64::MAX);
}

#[test]
fn a_killed_writer_leaves_only_whole_parts() {
    for kill_at_parts in [1, 2, 3, 5, 8, 13] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--nocapture"])
            .env(VICTIM_DIR, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while files(dir.path()).len() < kill_at_parts {
            assert!(child.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let count = files(dir.path()).len();
        for part in 0..count {
            let rows = rows(&dir.path().join(format!("log_part{part}.parquet")));
            let first = Field::Double(part as f64 * 20.0);
            assert_eq!((rows.len(), value(&rows[0], "instant_timestamp")), (20, first), "part {part} of {count}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn frames_stay_whole_in_order_and_in_parts_of_the_right_size(
        counts in prop::collection::vec(0_usize..=12, 1..60),
        max_entries in 1_usize..40,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (clock, names) = (RunClock::new(run_start()), Default::default());
        let stem = "client_queries_service1_temp";
        let mut writer = PartWriter::new(dir.path(), stem.to_owned(), ".csv", client_queries(), entries(max_entries));
        for (seq, &count) in counts.iter().enumerate() {
            writer.push(&QueryRow::of(&frame(1, seq as u64, count, Default::default()), &clock, &names));
        }
        writer.finish();

        let seq = |row: &parquet::record::Row| match value(row, "frame_seq") {
            Field::ULong(seq) => seq,
            other => panic!("{other:?}"),
        };
        let parts: Vec<Vec<u64>> =
            parts(dir.path(), stem, ".csv").iter().map(|part| rows(part).iter().map(seq).collect()).collect();
        let expected: Vec<u64> = counts
            .iter()
            .enumerate()
            .flat_map(|(seq, &count)| std::iter::repeat_n(seq as u64, count.max(1)))
            .collect();
        prop_assert_eq!(parts.concat(), expected);
        for pair in parts.windows(2) {
            prop_assert!(pair[0].last() < pair[1].first(), "a frame straddles two parts");
        }
        for part in &parts[..parts.len() - 1] {
            let before_last_frame = part.iter().filter(|&seq| Some(seq) != part.last()).count();
            prop_assert!(part.len() >= max_entries && before_last_frame < max_entries, "{} rows", part.len());
        }
    }
}
