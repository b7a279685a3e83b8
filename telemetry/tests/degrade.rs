//! Disk full, read-only directory, file size limit: the writer goes on and counts, and what is in a journal comes back.
//!
//! Each scene runs in a process of its own, on a small file system of its own that an unprivileged user may mount in a
//! user namespace; where the kernel does not allow it, the scenes are skipped aloud.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;
use parquet::record::Field;
use telemetry::journal::{Outcome, recover};
use telemetry::part_writer::PartWriter;
use telemetry::run_clock::RunClock;
use telemetry::schema::{BandwidthRow, bandwidth_stat};

/// Set in the process that plays a scene: the small file system.
const STAGE: &str = "TELEMETRY_TEST_STAGE";
/// The shell's exit code where nothing could be mounted.
const NOT_ALLOWED: i32 = 77;
const STAGE_KIB: usize = 512;

/// Runs test `scene` of this file on a file system of [`STAGE_KIB`]; false where that is not allowed here.
fn play(scene: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size={STAGE_KIB}k tmpfs \"${STAGE}\" || exit {NOT_ALLOWED}; exec \"$@\"");
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"]);
    unshare.arg(std::env::current_exe().unwrap()).args(["--exact", scene, "--nocapture"]).env(STAGE, dir.path());
    match unshare.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let refused = output.status.code() == Some(NOT_ALLOWED) || said.starts_with("unshare:");
            assert!(refused, "{scene}: {}\n{said}\n{}", output.status, String::from_utf8_lossy(&output.stdout));
            eprintln!("SKIPPED {scene}: no file system may be mounted here: {said}");
            false
        }
        Err(error) => {
            eprintln!("SKIPPED {scene}: no program `unshare`: {error}");
            false
        }
    }
}

fn stage() -> Option<PathBuf> {
    std::env::var_os(STAGE).map(PathBuf::from)
}

fn writer(dir: &Path, max_entries: usize) -> PartWriter<BandwidthRow> {
    let max_entries = std::num::NonZeroUsize::new(max_entries).unwrap();
    PartWriter::new(dir, "log_part".to_owned(), ".parquet", bandwidth_stat(), max_entries)
}

fn push(writer: &mut PartWriter<BandwidthRow>, seqs: std::ops::Range<u64>) {
    let clock = RunClock::new(run_start());
    seqs.for_each(|seq| writer.push(&[BandwidthRow::of(&link(seq), &clock)]));
}

/// The numbers of all rows in all parts, in order.
fn seqs(dir: &Path) -> Vec<u64> {
    let seq = |row: &parquet::record::Row| match value(row, "instant_timestamp") {
        Field::Double(seq) => seq as u64,
        other => panic!("{other:?}"),
    };
    parts(dir, "log_part", ".parquet").iter().flat_map(|part| rows(part)).map(|row| seq(&row)).collect()
}

/// Takes all space that is left.
fn fill(dir: &Path) -> PathBuf {
    let path = dir.join("filler");
    let mut file = std::fs::File::create(&path).unwrap();
    let full = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    path
}

#[test]
fn scene_full_from_the_start() {
    let Some(dir) = stage() else { return };
    let filler = fill(&dir);
    let mut writer = writer(&dir, 10);
    push(&mut writer, 0..25);
    let health = writer.health().clone();
    assert_eq!((health.rows_unprotected, health.rows_lost, health.rows_written), (25, 20, 0), "{health:?}");
    assert!(health.last_error.unwrap().contains("No space left"));
    std::fs::remove_file(filler).unwrap();
    push(&mut writer, 25..40);
    writer.finish();
    let health = writer.health().clone();
    // Of the part that was begun without a journal, none of the rows had one.
    assert_eq!((health.rows_unprotected, health.rows_lost, health.rows_written), (30, 20, 20), "{health:?}");
    assert_eq!(seqs(&dir), (20..40).collect::<Vec<_>>());
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 2, "two parts, no journal");
}

#[test]
fn scene_events_on_a_full_disk() {
    use rt_core::clock::ClockAnchor;
    use telemetry::{collector::Collector, events::EventLog, logs::Logs, names::Names};
    let Some(dir) = stage() else { return };
    let events = dir.join("events");
    std::fs::create_dir(&events).unwrap();
    fill(&dir);
    let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[]);
    collector.log_events(EventLog::new(&events, 1 << 20, ClockAnchor::now()));
    assert!(collector.links(4).emit(link(0)));
    let stop = rt_core::stop::StopToken::default();
    stop.set();
    let health = collector.run(&stop).events;
    assert_eq!((health.written, health.lost), (0, 1), "{health:?}");
    assert!(health.last_error.unwrap().contains("No space left"));
    assert_eq!(std::fs::read_dir(&events).unwrap().count(), 0, "no file that is none");
}

#[test]
fn events_on_a_full_disk_are_counted_and_leave_no_empty_files() {
    play("scene_events_on_a_full_disk");
}

#[test]
fn scene_full_for_a_while() {
    let Some(dir) = stage() else { return };
    let mut writer = writer(&dir, 10);
    push(&mut writer, 0..5);
    let filler = fill(&dir);
    push(&mut writer, 5..35);
    let health = writer.health().clone();
    assert_eq!((health.rows_waiting, health.rows_lost, health.rows_unprotected), (30, 0, 0), "{health:?}");
    std::fs::remove_file(filler).unwrap();
    push(&mut writer, 35..45);
    writer.finish();
    let health = writer.health().clone();
    assert_eq!((health.rows_waiting, health.rows_lost, health.rows_written), (0, 0, 45), "{health:?}");
    assert_eq!(seqs(&dir), (0..45).collect::<Vec<_>>());
}

#[test]
fn scene_full_until_the_end() {
    let Some(dir) = stage() else { return };
    let mut writer = writer(&dir, 10);
    push(&mut writer, 0..5);
    let filler = fill(&dir);
    push(&mut writer, 5..38);
    writer.finish();
    let health = writer.health().clone();
    assert_eq!((health.rows_waiting, health.rows_lost, health.rows_written), (38, 0, 0), "{health:?}");
    let report = recover(&dir);
    assert_eq!((report.failed, report.journals[0].outcome), (1, Outcome::Failed), "{report:?}");
    assert!(report.journals[0].reason.as_ref().unwrap().contains("No space left"), "{report:?}");
    std::fs::remove_file(filler).unwrap();
    assert_eq!(recover(&dir).rows_recovered, 38);
    assert_eq!(seqs(&dir), (0..38).collect::<Vec<_>>());
}

#[test]
fn scene_full_for_too_long() {
    let Some(dir) = stage() else { return };
    let mut writer = writer(&dir, 10);
    push(&mut writer, 0..5);
    let _filler = fill(&dir);
    push(&mut writer, 5..1_005);
    let health = writer.health().clone();
    assert_eq!(health.rows_lost + health.rows_waiting + health.rows_written, 1_000, "all but the last: {health:?}");
    assert!(health.rows_waiting <= 40 && health.rows_lost > 900, "{health:?}");
}

#[test]
fn scene_journal_cannot_grow() {
    let Some(dir) = stage() else { return };
    let mut writer = writer(&dir, 100_000);
    push(&mut writer, 0..5);
    let filler = fill(&dir);
    push(&mut writer, 5..5_000);
    let protected = 5_000 - writer.health().rows_unprotected;
    assert!((500..5_000).contains(&protected), "{:?}", writer.health());
    // As killed here: what found no room is lost, counted; the rest is there.
    drop(writer);
    std::fs::remove_file(filler).unwrap();
    assert_eq!(recover(&dir).rows_recovered, protected);
    assert_eq!(seqs(&dir), (0..protected).collect::<Vec<_>>());
}

#[test]
fn scene_read_only() {
    let Some(dir) = stage() else { return };
    let remount = |how: &str| {
        let options = format!("remount,{how},size={STAGE_KIB}k");
        assert!(Command::new("mount").args(["-o", &options]).arg(&dir).status().unwrap().success());
    };
    remount("ro");
    let mut writer = writer(&dir, 10);
    push(&mut writer, 0..20);
    let health = writer.health().clone();
    assert_eq!((health.rows_unprotected, health.rows_lost, health.rows_written), (20, 20, 0), "{health:?}");
    assert!(health.last_error.unwrap().contains("Read-only file system"));
    remount("rw");
    push(&mut writer, 20..25);
    drop(writer);
    remount("ro");
    let report = recover(&dir);
    assert_eq!((report.failed, report.rows_recovered), (1, 0), "{report:?}");
    remount("rw");
    assert_eq!(recover(&dir).rows_recovered, 5);
    assert_eq!(seqs(&dir), (20..25).collect::<Vec<_>>());
}

#[test]
fn a_file_system_that_is_full_or_read_only_costs_counted_rows_and_nothing_else() {
    let scenes = [
        "scene_full_from_the_start",
        "scene_full_for_a_while",
        "scene_full_until_the_end",
        "scene_full_for_too_long",
        "scene_journal_cannot_grow",
        "scene_read_only",
    ];
    for scene in scenes {
        play(scene);
    }
}

#[test]
fn scene_file_size_limit() {
    let Some(dir) = stage() else { return };
    let limit = 16 << 10;
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_FSIZE, limit, limit).unwrap();
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { nix::sys::signal::signal(nix::sys::signal::Signal::SIGXFSZ, nix::sys::signal::SigHandler::SigIgn) }
        .unwrap();
    let mut writer = writer(&dir, 10);
    push(&mut writer, 0..25);
    writer.finish();
    let health = writer.health().clone();
    assert_eq!((health.rows_unprotected, health.rows_lost, health.rows_written), (25, 0, 25), "{health:?}");
    assert!(health.last_error.unwrap().contains("File too large"));
    assert_eq!(seqs(&dir), (0..25).collect::<Vec<_>>());
}

#[test]
fn a_file_size_limit_leaves_parts_without_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output =
        child.args(["--exact", "scene_file_size_limit", "--nocapture"]).env(STAGE, dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
