//! What the telemetry lost of itself is in its own event log, and is the first thing that a report says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests may fail loudly")]

mod synthetic;

use std::path::{Path, PathBuf};

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::frame::FrameId;
use rt_core::stop::StopToken;
use rt_core::trace::{Hop, Tracer};
use synthetic::{Plan, generate};
use telemetry::collector::{Collector, CollectorReport};
use telemetry::events::EventLog;
use telemetry::logs::Logs;
use telemetry::names::Names;
use turbo_report::compare::{compare, text};
use turbo_report::report::{Report, SourceLoss, build};
use turbo_report::run::Run;
use turbo_report::show::{html, terminal};

const FRAME: FrameId = FrameId { service: 1, seq: 7 };

/// A real collector over two threads: one with a ring of eight that tells a thousand hops at once, and one that tells of
/// a hop long after its place in time was written.
fn collected(dir: &Path, quota: u64) -> CollectorReport {
    let mut tracer = Tracer::default();
    let mut hasty = tracer.stamper("hasty <b>", 8);
    let mut tardy = tracer.stamper("tardy", 1);
    for _ in 0..1_000 {
        let now = Monotonic::now();
        hasty.stamp(Hop::Encode, FRAME, now, now);
    }
    drop(hasty);
    let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    collector.log_events(EventLog::new(dir, quota, ClockAnchor::now()));
    let stop = StopToken::default();
    std::thread::scope(|scope| {
        let collecting = scope.spawn(|| collector.run(&stop));
        // Once the ring of one has room again the collector has begun a pass, at whose end everything so old is written.
        for _ in 0..2 {
            while !tardy.stamp(Hop::Send, FRAME, Monotonic::ZERO, Monotonic::from_ns(1)) {
                std::thread::yield_now();
            }
        }
        drop(tardy);
        stop.set();
        collecting.join().unwrap()
    })
}

fn report(path: &Path) -> Report {
    build(Run::find(&[path.to_owned()]).unwrap()).0
}

fn event_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn dropped_and_late_records_are_told_by_source_and_before_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 2, ..Plan::default() });
    let whole = report(&run.client);
    let lost = collected(&run.client.join("events"), 1 << 20);
    assert!(lost.records_dropped >= 992 && lost.events.late >= 1, "{lost:?}");
    let report = report(&run.client);
    let telemetry = &report.missing.telemetry;
    assert_eq!((telemetry.dropped, telemetry.late), (lost.records_dropped, lost.events.late));
    assert_eq!((telemetry.events, telemetry.unreadable_files, telemetry.expired_files), (lost.events.written, 0, 0));
    let hasty = SourceLoss { side: "car", source: "hasty <b>".to_owned(), dropped: 992, late: 0 };
    let tardy = SourceLoss {
        side: "car",
        source: "tardy".to_owned(),
        dropped: lost.records_dropped - 992,
        late: lost.events.late,
    };
    assert_eq!(telemetry.sources, [hasty, tardy]);
    assert!(report.missing.any() && !whole.missing.any());
    let shown = terminal::text(&report);
    let place = |word: &str| shown.find(word).unwrap_or_else(|| panic!("no {word:?} in\n{shown}"));
    assert!(place("telemetry records dropped") < place("service "), "{shown}");
    assert!(place("hasty <b>: 992 records are lost") < place("service "), "{shown}");
    assert!(html::page(&report).contains("hasty &lt;b&gt;: 992 records are lost"));
    assert!(text(&compare(&whole, &report)).contains("telemetry records dropped"));
    let json: serde_json::Value = serde_json::to_value(&report).unwrap();
    assert_eq!(json["missing"]["telemetry"]["dropped"], lost.records_dropped);
    assert_eq!(json["missing"]["telemetry"]["sources"][0]["source"], "hasty <b>");
}

#[test]
fn event_files_that_are_foreign_cut_or_gone_are_said_and_the_others_count() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 2, ..Plan::default() });
    let dir = run.client.join("events");
    let lost = collected(&dir, 1 << 20);
    let [file] = event_files(&dir).try_into().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 7]).unwrap();
    let day = file.file_stem().unwrap().to_str().unwrap().rsplit_once('_').unwrap().0.to_owned();
    std::fs::rename(&file, dir.join(format!("{day}_000003.bin"))).unwrap();
    std::fs::write(dir.join(format!("{day}_000004.bin")), b"turbo-events 9 {}\n").unwrap();
    let zeros = [&bytes[..bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1], &[0; 320]].concat();
    std::fs::write(dir.join(format!("{day}_000005.bin")), zeros).unwrap();
    let report = report(&run.client);
    let telemetry = &report.missing.telemetry;
    assert_eq!(telemetry.events, lost.events.written - 1 + 10);
    assert_eq!((telemetry.unreadable_files, telemetry.expired_files), (1, 3));
    for words in ["is no event log of this version", "10 events are of no kind", "the oldest 3 files made way"] {
        assert!(report.missing.findings.iter().any(|finding| finding.text.contains(words)), "{words}: {report:?}");
    }
    assert!(report.services.last().unwrap().frames > 0);
}
