//! A run's histograms and counters come back from its files as they were.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::time::Duration;

use rt_core::frame::FrameId;
use rt_core::stop::StopToken;
use rt_core::trace::counters::Counter;
use rt_core::trace::{Hop, HopHistograms, Tracer};
use telemetry::collector::Collector;
use telemetry::logs::Logs;
use telemetry::names::Names;
use telemetry::run_dir::{Role, RunDirError, RunDirs, Subdirs};

#[test]
fn stamps_and_counts_of_every_thread_are_in_the_run_s_files() {
    let output = tempfile::tempdir().unwrap();
    let dirs = RunDirs::create(output.path(), common::run_start(), Role::CLOUD, &Subdirs::default()).unwrap();
    let mut tracer = Tracer::default();
    let stampers = [1, 2].map(|worker| tracer.stamper(format!("worker-{worker}"), 8));
    let mut collector = Collector::new(common::run_start(), Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    let counters = [1, 2].map(|worker| collector.counters(format!("worker-{worker}")));
    let stop = StopToken::default();
    stop.set();
    let report = std::thread::scope(|scope| {
        let collecting = scope.spawn(|| collector.run(&stop));
        for (mut stamper, mut counters) in stampers.into_iter().zip(counters) {
            let begun = common::run_start().monotonic;
            for seq in 0..20 {
                // Not in time is not in the ring; what was lost has to be told.
                stamper.stamp(
                    Hop::CloudQueue,
                    FrameId { service: 1, seq },
                    begun,
                    begun.plus(Duration::from_millis(seq)),
                );
                counters.count(Counter::Items);
            }
        }
        collecting.join().unwrap()
    });
    assert_eq!(report.hops.count(Hop::CloudQueue) + report.records_dropped, 40);
    assert!(!report.cut_short && report.hops.count(Hop::CloudQueue) >= 16, "{} lost", report.records_dropped);

    dirs.write_trace(&report.hops, &report.threads).unwrap();
    let dir = dirs.run(Role::Server).unwrap();
    let read: HopHistograms = std::fs::read_to_string(dir.join("hops.txt")).unwrap().parse().unwrap();
    assert_eq!(read, report.hops);
    let threads = std::fs::read_to_string(dir.join("threads.csv")).unwrap();
    let lines: Vec<Vec<&str>> = threads.lines().map(|line| line.split(',').collect()).collect();
    let items = lines.first().unwrap().iter().position(|name| *name == "items").unwrap();
    let seen: Vec<_> = lines.iter().skip(1).map(|line| (line.first().copied(), line.get(items).copied())).collect();
    assert_eq!(seen, [(Some("worker-1"), Some("20")), (Some("worker-2"), Some("20"))]);
    assert!(lines.iter().all(|line| line.len() == lines.first().unwrap().len()));

    std::fs::remove_dir_all(dir).unwrap();
    let error = dirs.write_trace(&report.hops, &report.threads).unwrap_err();
    assert!(matches!(&error, RunDirError::Create { path, .. } if path.ends_with("hops.txt")), "{error}");
}
