//! The event log through the collector: everything told is there once and in order, losses and lateness are counted,
//! files rotate within their quota, and a disk that refuses ends nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests may fail loudly")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::*;
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::frame::FrameId;
use rt_core::stop::StopToken;
use rt_core::trace::{Hop, Tracer};
use telemetry::collector::{Collector, CollectorReport};
use telemetry::events::{
    EVENT_BYTES, Event, EventFile, EventFileError, EventKind, EventLog, LATE, NoteKind, NoteReader,
};
use telemetry::logs::Logs;
use telemetry::names::Names;
use telemetry::subscribe::Hub;

const MIB: u64 = 1 << 20;

fn event_files(dir: &Path) -> Vec<PathBuf> {
    files(dir).into_iter().map(|name| dir.join(name)).collect()
}

fn events(dir: &Path) -> Vec<Event> {
    let read = |path: PathBuf| EventFile::open(&path).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    event_files(dir).into_iter().flat_map(read).collect()
}

/// Runs a collector over three threads that stamp `each` hops with rings of `ring`; their names are odd.
fn stamped(dir: &Path, quota: u64, each: u64, ring: usize, patient: bool) -> CollectorReport {
    let mut tracer = Tracer::default();
    let stampers = ["worker-1", "odd \"name\"\n/../\u{1f697}", ""].map(|name| tracer.stamper(name, ring));
    let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    collector.log_events(EventLog::new(dir, quota, ClockAnchor::now()));
    let stop = StopToken::default();
    std::thread::scope(|scope| {
        let collecting = scope.spawn(|| collector.run(&stop));
        let threads = stampers.map(|mut stamper| {
            scope.spawn(move || {
                for seq in 0..each {
                    let now = Monotonic::now();
                    while !stamper.stamp(Hop::CloudQueue, FrameId { service: 2, seq }, now, now) && patient {
                        std::thread::yield_now();
                    }
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        stop.set();
        collecting.join().unwrap()
    })
}

#[test]
fn everything_told_is_there_once_in_the_order_of_time_and_by_its_thread() {
    const EACH: u64 = 20_000;
    let output = tempfile::tempdir().unwrap();
    let dir = output.path().join("events");
    let report = stamped(&dir, 64 * MIB, EACH, 1 << 15, false);
    let taken = report.hops.count(Hop::CloudQueue);
    let events = events(&dir);
    let hops: Vec<&Event> = events.iter().filter(|event| event.kind == EventKind::Hop).collect();
    assert_eq!(hops.len() as u64, taken);
    for source in 0..3 {
        let seqs: Vec<u64> = hops.iter().filter(|event| event.source == source).map(|event| event.seq).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "source {source}");
    }
    let in_time = events.iter().filter(|event| event.flags & LATE == 0).map(|event| event.at);
    assert!(in_time.is_sorted());
    let late = events.iter().filter(|event| event.flags & LATE != 0).count() as u64;
    assert_eq!((report.events.written, report.events.late), (events.len() as u64, late));
    let header = EventFile::open(&event_files(&dir)[0]).unwrap().header().clone();
    let sources = header["sources"].as_array().unwrap();
    assert_eq!(sources[1], "odd \"name\"\n/../\u{1f697}", "whatever a thread is called");
    assert_eq!(header["kinds"][EventKind::Hop as usize]["name"], "hop");
}

#[test]
fn what_a_full_ring_lost_is_an_event_of_its_own() {
    let output = tempfile::tempdir().unwrap();
    let report = stamped(output.path(), 64 * MIB, 5_000, 8, false);
    assert!(report.records_dropped > 0, "rings of eight are too small for anybody");
    let events = events(output.path());
    let told: u64 = events.iter().filter(|event| event.kind == EventKind::Dropped).map(|event| event.value).sum();
    let hops = events.iter().filter(|event| event.kind == EventKind::Hop).count() as u64;
    assert_eq!(told, report.records_dropped);
    assert_eq!(told + hops, 3 * 5_000);
}

#[test]
fn the_oldest_files_make_way_within_the_quota() {
    let output = tempfile::tempdir().unwrap();
    let quota = 2 * MIB;
    let report = stamped(output.path(), quota, 100_000, 1 << 14, true);
    let kept = events(output.path());
    let bytes: u64 = event_files(output.path()).iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert!(bytes <= quota, "{bytes} bytes");
    assert!(report.events.expired > 0);
    assert_eq!(kept.len() as u64 + report.events.expired, report.events.written);
    assert_eq!(report.events.lost, 0, "{:?}", report.events.last_error);
    let hops: Vec<_> = kept.iter().filter(|event| event.kind == EventKind::Hop).collect();
    assert!(hops.last().unwrap().seq > hops.first().unwrap().seq, "the newest are kept");
}

#[test]
fn every_record_leaves_an_event() {
    let output = tempfile::tempdir().unwrap();
    let names = Names::default();
    let mut collector = Collector::new(run_start(), names.clone(), Logs::none(), &[1]);
    collector.log_events(EventLog::new(output.path(), 64 * MIB, run_start()));
    assert!(collector.frames(4).emit(frame(1, 7, 1, Default::default())));
    assert!(collector.cameras(4).emit(camera(1, 7)));
    assert!(collector.links(4).emit(link(1)));
    assert!(collector.allocations(4).emit(allocation(1, &[1], &names)));
    assert!(collector.served(4).emit(served(1, 7, &names)));
    assert!(collector.pings(4).emit(ping(1, false)));
    assert!(collector.images(4).emit(image(1, 7, rt_core::trace::images::Direction::Incoming, false)));
    let stop = StopToken::default();
    stop.set();
    let report = collector.run(&stop);
    let events = events(output.path());
    let of = |kind| events.iter().filter(move |event| event.kind == kind).collect::<Vec<_>>();
    let of_records = |kind: &&EventKind| kind.note().is_none() && !matches!(kind, EventKind::Hop | EventKind::Dropped);
    for kind in EventKind::ALL.iter().filter(of_records) {
        assert_eq!(of(*kind).len(), 1, "{}", kind.name());
    }
    let decided = of(EventKind::Decided)[0];
    assert_eq!((decided.service, decided.seq, decided.detail), (1, 7, 0));
    assert_eq!(decided.value, Duration::from_millis(115).as_nanos() as u64);
    assert_eq!(of(EventKind::Carried)[0].detail, 3, "incoming, and it did not arrive");
    assert_eq!(report.events.written, 7);
    let sampled = of(EventKind::Link)[0];
    assert_eq!((sampled.link_range(), sampled.seq), (Some((900_000, 1_700_000)), 900_000 | 1_700_000 << 32));
    assert!(sampled.text("link-1").contains("estimated capacity 12.00 Mbit/s (low 7.20, high 13.60)"));
}

#[test]
fn what_is_said_is_in_the_log_word_for_word_and_in_its_place() {
    let output = tempfile::tempdir().unwrap();
    let hub = Hub::new("car", "0", ClockAnchor::now());
    let mut tracer = Tracer::default();
    let mut stamper = tracer.stamper("camera", 64);
    let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    collector.log_events(EventLog::new(output.path(), 64 * MIB, ClockAnchor::now()));
    collector.publish_events(hub.publisher());
    let said = [
        (NoteKind::State, "state: running".to_owned()),
        (NoteKind::Disconnected, "no answer for 500 ms; \u{1f697} decides alone\nfrom here".to_owned()),
        (NoteKind::Loss, String::new()),
        (NoteKind::Refused, "x".repeat(1_000)),
    ];
    for (seq, (kind, text)) in said.iter().enumerate() {
        let now = Monotonic::now();
        assert!(stamper.stamp(Hop::CloudQueue, FrameId { service: 2, seq: seq as u64 }, now, now));
        hub.note(*kind, text.clone());
    }
    drop(stamper);
    let stop = StopToken::default();
    stop.set();
    let report = collector.run(&stop);
    let events = events(output.path());
    let mut reader = NoteReader::default();
    let mut seen = Vec::new();
    let mut order = Vec::new();
    for event in &events {
        match reader.take(event) {
            Some(note) => {
                order.push("note");
                seen.push((note.kind, note.text));
            }
            None if event.kind == EventKind::Hop => order.push("hop"),
            None => {}
        }
    }
    assert_eq!(seen, said);
    assert_eq!(order, ["hop", "note"].repeat(said.len()));
    assert_eq!(report.events.written, events.len() as u64);
    let header = EventFile::open(&event_files(output.path())[0]).unwrap().header().clone();
    assert_eq!(header["sources"].as_array().unwrap().last().unwrap(), "notes");
    assert_eq!(header["kinds"][EventKind::Refused as usize]["note"], true);
}

#[test]
fn a_directory_that_takes_nothing_is_counted_and_ends_nothing() {
    let output = tempfile::tempdir().unwrap();
    let file = output.path().join("no-directory");
    std::fs::write(&file, "").unwrap();
    let report = stamped(&file, 64 * MIB, 1_000, 1 << 12, false);
    assert_eq!(report.events.written, 0);
    assert_eq!(report.events.lost, report.hops.count(Hop::CloudQueue));
    assert!(report.events.last_error.unwrap().contains("no-directory"));
}

#[test]
fn a_torn_end_is_left_out_and_a_foreign_file_is_refused() {
    let output = tempfile::tempdir().unwrap();
    stamped(output.path(), 64 * MIB, 100, 1 << 12, false);
    let path = event_files(output.path()).remove(0);
    let whole = std::fs::read(&path).unwrap();
    let count = EventFile::open(&path).unwrap().count();
    std::fs::write(&path, &whole[..whole.len() - EVENT_BYTES / 2]).unwrap();
    assert_eq!(EventFile::open(&path).unwrap().count(), count - 1);
    for foreign in [&b"PAR1"[..], b"", b"turbo-events 1 {", b"turbo-events 1 {}x\n", &[0xff; 100]] {
        std::fs::write(&path, foreign).unwrap();
        let error = EventFile::open(&path).unwrap_err();
        assert!(matches!(&error, EventFileError::Foreign { path: named } if *named == path), "{error}");
    }
    let missing = EventFile::open(&output.path().join("missing")).unwrap_err();
    assert!(matches!(missing, EventFileError::Io { .. }), "{missing}");
}
