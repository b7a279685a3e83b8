//! What all eight logs and the event log cost a car of three cameras at 30 frames/s: the processor time of the threads
//! that log, with logs and without, while another thread tells of everything at the pace at which a car does.
//!
//! `cargo test --release -p telemetry --test log_cost -- --ignored --nocapture` prints the numbers; they are measured,
//! not asserted. Whatever else the machine does, processor time changes little.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly, as tests may"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::*;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::stop::StopToken;
use rt_core::trace::images::Direction;
use rt_core::trace::traffic::Traffic;
use telemetry::collector::{Collector, CollectorReport};
use telemetry::events::EventLog;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_dir::{Role, RunDirs, Subdirs};

const SERVICES: [u16; 3] = [1, 2, 3];
const FRAMES_PER_SECOND: u64 = 30;
/// Boxes of a frame: those of the synthetic street at the default threshold.
const BOXES: usize = 30;
const SECONDS: u64 = 10;

/// Processor time, user's and the system's, in microseconds.
fn cpu(of: UsageWho) -> [i64; 2] {
    let usage = getrusage(of).unwrap();
    [usage.user_time().num_microseconds(), usage.system_time().num_microseconds()]
}

fn since(of: UsageWho, before: [i64; 2]) -> [i64; 2] {
    let now = cpu(of);
    [now[0] - before[0], now[1] - before[1]]
}

/// Tells of [`SECONDS`] of a car's run, frame by frame, in as much time.
fn drive(collector: &mut Collector, names: &Names) -> impl FnOnce() -> [i64; 2] + Send + use<> {
    let mut traffic = Traffic::default();
    collector.sample(traffic.watch(), Duration::from_secs(1));
    let (mut frames, mut cameras, mut images) = (collector.frames(256), collector.cameras(256), collector.images(1024));
    let (mut links, mut allocations, mut pings) =
        (collector.links(256), collector.allocations(256), collector.pings(256));
    let config = names.intern("edd4-imgcompNone-inpcomp50");
    let names = names.clone();
    move || {
        let before = cpu(UsageWho::RUSAGE_THREAD);
        let start = Monotonic::now();
        for seq in 0..SECONDS * FRAMES_PER_SECOND {
            let due = Duration::from_millis(seq * 1_000 / FRAMES_PER_SECOND);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            for service in SERVICES {
                traffic.sent(service, 1_000);
                let by_cloud = seq % 3 != 0;
                assert!(cameras.emit(camera(service, seq)));
                let local = local_frame(service, seq, config);
                let local = telemetry::records::FrameRecord { delivered: boxes(BOXES), ..local };
                assert!(frames.emit(if by_cloud { frame(service, seq, BOXES, config) } else { local }));
                assert!(images.emit(image(service, seq, Direction::Outgoing, by_cloud)));
                if by_cloud {
                    assert!(images.emit(image(service, seq, Direction::Incoming, true)));
                }
            }
            if seq % 2 == 0 {
                assert!(allocations.emit(allocation(seq, &SERVICES, &names)) && links.emit(link(seq)));
            }
            if seq % 15 == 0 {
                assert!(pings.emit(ping(seq, true)));
            }
        }
        since(UsageWho::RUSAGE_THREAD, before)
    }
}

struct Cost {
    /// Of a core, by the collector's thread.
    collector: f64,
    /// Of a core, by the threads that it started.
    others: f64,
    system: f64,
    report: CollectorReport,
    bytes: u64,
}

fn measure(dir: &Path, with_logs: bool) -> Cost {
    let start = ClockAnchor::now();
    let names = Names::default();
    let dirs = RunDirs::create(dir, start, Role::CAR, &Subdirs::default()).unwrap();
    let logs = if with_logs { Logs::new(&dirs, &SERVICES, LogOptions::default()) } else { Logs::none() };
    let mut collector = Collector::new(start, names.clone(), logs, &SERVICES);
    if with_logs {
        collector.log_events(EventLog::new(&dirs.run(Role::Client).unwrap().join("events"), 256 << 20, start));
    }
    let drive = drive(&mut collector, &names);
    let stop = StopToken::default();
    let before = cpu(UsageWho::RUSAGE_SELF);
    let (driver, own, report) = std::thread::scope(|scope| {
        let collecting = scope.spawn(|| {
            let before = cpu(UsageWho::RUSAGE_THREAD);
            let report = collector.run(&stop);
            (since(UsageWho::RUSAGE_THREAD, before), report)
        });
        let driver = scope.spawn(drive).join().unwrap();
        stop.set();
        let (own, report) = collecting.join().unwrap();
        (driver, own, report)
    });
    let process = since(UsageWho::RUSAGE_SELF, before);
    let core = |micros: i64| micros as f64 / 1e6 / SECONDS as f64;
    let others = [process[0] - driver[0] - own[0], process[1] - driver[1] - own[1]];
    let sizes = dirs.all().iter().flat_map(|dir| walk(&dir.run)).sum();
    Cost {
        collector: core(own[0] + own[1]),
        others: core(others[0] + others[1]),
        system: core(own[1] + others[1]),
        report,
        bytes: sizes,
    }
}

/// The sizes of all files below.
fn walk(dir: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .flat_map(|entry| match entry.metadata().unwrap() {
            found if found.is_dir() => walk(&entry.path()),
            found => vec![found.len()],
        })
        .collect()
}

#[test]
#[ignore = "a measurement"]
fn a_car_of_three_cameras() {
    let place = std::env::var_os("TURBO_LOG_COST_DIR").map_or_else(std::env::temp_dir, Into::into);
    // Removed at the end: a file system may take its time to make files right after others were removed.
    let mut dirs = Vec::new();
    for _ in 0..2 {
        for with_logs in [true, false] {
            let dir = tempfile::tempdir_in(&place).unwrap();
            let Cost { collector, others, system, report, bytes } = measure(dir.path(), with_logs);
            let (parts, rows) = (report.logs.parts_written, report.logs.rows_written);
            println!(
                "logs {with_logs:<5} collector {:>5.2} % of a core, its threads {:>5.2} % (system {:>5.2} %)  \
                 {rows} rows in {parts} parts, {:.2} MB",
                collector * 100.0,
                others * 100.0,
                system * 100.0,
                bytes as f64 / 1e6,
            );
            assert_eq!((report.logs.rows_lost, report.records_dropped), (0, 0));
            dirs.push(dir);
        }
    }
}
