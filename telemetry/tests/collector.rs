//! The collector with real threads and rings: what is emitted is in the report, in the sinks and in the logs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use common::*;
use rt_core::clock::ClockAnchor;
use rt_core::stop::StopToken;
use telemetry::collector::Collector;
use telemetry::frame_sink::FrameSink;
use telemetry::live::{LivePrinter, LiveStyle};
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::records::FrameRecord;
use telemetry::run_dir::{Role, RunDirs, Subdirs};

/// Emits until the ring takes it: a test's way to lose nothing without knowing the machine's speed.
fn emit_all<T: Clone>(emitter: &mut telemetry::emitter::Emitter<T>, records: impl Iterator<Item = T>) {
    for record in records {
        while !emitter.emit(record.clone()) {
            std::thread::yield_now();
        }
    }
}

#[derive(Default)]
struct Seen {
    seqs: Vec<(u16, u64)>,
    finished: bool,
}

struct Sink(Arc<Mutex<Seen>>);

impl FrameSink for Sink {
    fn frame(&mut self, record: &FrameRecord) {
        self.0.lock().unwrap().seqs.push((record.meta.service, record.meta.seq));
    }
    fn finish(&mut self) {
        self.0.lock().unwrap().finished = true;
    }
}

#[test]
fn a_car_s_records_reach_totals_sinks_and_all_its_logs_whole() {
    const FRAMES: u64 = 250;
    let output = tempfile::tempdir().unwrap();
    let dirs = RunDirs::create(output.path(), ClockAnchor::now(), Role::CAR, &Subdirs::default()).unwrap();
    let names = Names::default();
    let stop = StopToken::default();
    let logs = Logs::new(&dirs, &[1, 2], LogOptions::default());
    let mut collector = Collector::new(run_start(), names.clone(), logs, &[1, 2]);
    let seen = Arc::new(Mutex::new(Seen::default()));
    collector.add_sink(Box::new(Sink(Arc::clone(&seen))));
    let frames = [(1, collector.frames(16)), (2, collector.frames(16))];
    let (mut links, mut allocations) = (collector.links(8), collector.allocations(8));
    let config = names.intern("edd4-imgcompNone-inpcomp50");

    let report = std::thread::scope(|scope| {
        let collecting = scope.spawn({
            let stop = stop.clone();
            move || collector.run(&stop)
        });
        let emitting = frames.map(|(service, mut emitter)| {
            scope.spawn(move || {
                emit_all(&mut emitter, (0..FRAMES).map(|seq| frame(service, seq, 1, config)));
                (service, emitter)
            })
        });
        emit_all(&mut links, (0..FRAMES).map(link));
        emit_all(&mut allocations, (0..FRAMES).map(|seq| allocation(seq, &[1, 2], &names)));
        let frames = emitting.map(|thread| thread.join().unwrap());
        stop.set();
        // The end was asked for, but these threads have a last decision to tell of.
        for (service, mut emitter) in frames {
            emit_all(&mut emitter, std::iter::once(frame(service, FRAMES, 1, config)));
        }
        drop((links, allocations));
        collecting.join().unwrap()
    });

    assert!(!report.cut_short);
    assert_eq!(report.logs.rows_lost, 0, "{:?}", report.logs);
    let total = report.stats.total();
    assert_eq!((total.decisions, total.decisions_late), (2 * (FRAMES + 1), 0));
    assert_eq!(report.stats.services().map(|(service, _)| service).collect::<Vec<_>>(), [1, 2]);
    let seen = seen.lock().unwrap();
    assert!(seen.finished);
    for service in [1, 2] {
        let seqs: Vec<u64> = seen.seqs.iter().filter(|(of, _)| *of == service).map(|(_, seq)| *seq).collect();
        assert_eq!(seqs, (0..=FRAMES).collect::<Vec<_>>());
        let stem = format!("client_queries_service{service}_temp");
        let parts = parts(dirs.logs(Role::Client).unwrap(), &stem, ".csv");
        assert_eq!(parts.iter().map(|part| rows(part).len()).collect::<Vec<_>>(), [100, 100, 51]);
    }
    for stem in ["bandwidth_stat_log_allservices_part", "allocation_stat_log_allservices_part"] {
        let parts = parts(dirs.logs(Role::QuicClient).unwrap(), stem, ".parquet");
        assert_eq!(parts.iter().map(|part| rows(part).len()).collect::<Vec<_>>(), [100, 100, 50], "{stem}");
    }
}

#[test]
fn a_cloud_s_records_come_from_several_workers() {
    let output = tempfile::tempdir().unwrap();
    let dirs = RunDirs::create(output.path(), ClockAnchor::now(), Role::CLOUD, &Subdirs::default()).unwrap();
    let names = Names::default();
    let stop = StopToken::default();
    let mut collector = Collector::new(run_start(), names.clone(), Logs::new(&dirs, &[], LogOptions::default()), &[]);
    let workers = [collector.served(4), collector.served(4)];
    let report = std::thread::scope(|scope| {
        let collecting = scope.spawn(|| collector.run(&stop));
        let names = &names;
        let threads = workers
            .map(|mut worker| scope.spawn(move || emit_all(&mut worker, (0..30).map(|seq| served(1, seq, names)))));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        stop.set();
        collecting.join().unwrap()
    });
    assert_eq!((report.served, report.logs.rows_written, report.cut_short), (60, 60, false));
    assert_eq!(files(dirs.logs(Role::Server).unwrap()), ["server_results_service1_temp0"]);
}

#[test]
fn records_that_found_no_place_are_counted_in_the_report() {
    let stop = StopToken::default();
    let mut collector = Collector::new(run_start(), Names::default(), Logs::none(), &[]);
    let mut links = collector.links(3);
    let taken = (0..10).filter(|&seq| links.emit(link(seq))).count();
    drop(links);
    stop.set();
    let report = collector.run(&stop);
    assert_eq!((taken, report.records_dropped), (3, 7));
}

#[test]
fn an_emitter_that_never_goes_is_waited_for_a_while_and_then_told_of() {
    let stop = StopToken::default();
    let mut collector = Collector::new(run_start(), Names::default(), Logs::none(), &[]);
    let _forgotten = collector.links(3);
    stop.set();
    assert!(collector.run(&stop).cut_short);
}

#[test]
fn logs_that_cannot_be_written_are_said_aloud_and_the_rest_goes_on() {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let output = tempfile::tempdir().unwrap();
    let dirs = RunDirs::create(output.path(), ClockAnchor::now(), Role::CAR, &Subdirs::default()).unwrap();
    std::fs::remove_dir_all(dirs.run(Role::Client).unwrap()).unwrap();
    let stop = StopToken::default();
    let mut collector =
        Collector::new(run_start(), Names::default(), Logs::new(&dirs, &[1], LogOptions::default()), &[1]);
    let out = Shared::default();
    collector.show(LivePrinter::new(Box::new(out.clone()), LiveStyle::Plain));
    let mut frames = collector.frames(256);
    emit_all(&mut frames, (0..210).map(|seq| frame(1, seq, 1, Default::default())));
    drop(frames);
    stop.set();
    let report = collector.run(&stop);
    assert_eq!((report.stats.total().decisions, report.logs.rows_lost), (210, 210));
    let said = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("200 rows lost so far: cannot create"), "{said}");
}
