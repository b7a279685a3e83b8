//! What the journal costs the collector's thread, and whether the disk ever holds it up.
//!
//! `cargo test --release -p telemetry --test journal_cost -- --ignored --nocapture` prints the numbers; they are
//! measured, not asserted.
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
use nix::time::{ClockId, clock_gettime};
use rt_core::clock::Monotonic;
use telemetry::part_writer::PartWriter;
use telemetry::run_clock::RunClock;
use telemetry::schema::{QueryRow, client_queries};

const BOXES: usize = 3;
const FRAMES: u64 = 20_000;

fn cpu(clock: ClockId) -> Duration {
    Duration::from(clock_gettime(clock).unwrap())
}

struct Cost {
    thread_ns_per_row: f64,
    process_ns_per_row: f64,
    push_p50: Duration,
    push_p99: Duration,
    push_max: Duration,
}

/// Pushes frames as fast as it can, or `every` so often; only the pushes between parts are timed one by one.
fn measure(dir: &Path, frames: u64, every: Option<Duration>) -> Cost {
    let stem = "client_queries_service1_temp".to_owned();
    let max_entries = std::num::NonZeroUsize::new(1_000).unwrap();
    let mut writer = PartWriter::new(dir, stem, ".csv", client_queries(), max_entries);
    let (clock, names) = (RunClock::new(run_start()), Default::default());
    let rows: Vec<Vec<QueryRow>> =
        (0..256).map(|seq| QueryRow::of(&frame(1, seq, BOXES, Default::default()), &clock, &names)).collect();
    let mut pushes = Vec::new();
    let (thread, process) = (cpu(ClockId::CLOCK_THREAD_CPUTIME_ID), cpu(ClockId::CLOCK_PROCESS_CPUTIME_ID));
    for number in 0..frames {
        let parts = writer.health().parts_written;
        let start = Monotonic::now();
        writer.push(&rows[(number % 256) as usize]);
        if writer.health().parts_written == parts {
            pushes.push(Monotonic::now().saturating_since(start));
        }
        if let Some(every) = every {
            std::thread::sleep(every);
        }
    }
    let thread = cpu(ClockId::CLOCK_THREAD_CPUTIME_ID) - thread;
    let process = cpu(ClockId::CLOCK_PROCESS_CPUTIME_ID) - process;
    writer.finish();
    pushes.sort();
    let count = (frames as usize * BOXES) as f64;
    Cost {
        thread_ns_per_row: thread.as_nanos() as f64 / count,
        process_ns_per_row: process.as_nanos() as f64 / count,
        push_p50: pushes[pushes.len() / 2],
        push_p99: pushes[pushes.len() * 99 / 100],
        push_max: *pushes.last().unwrap(),
    }
}

fn print(what: &str, cost: &Cost) {
    let Cost { thread_ns_per_row, process_ns_per_row, push_p50, push_p99, push_max } = cost;
    println!(
        "{what:<44} {thread_ns_per_row:>8.0} ns/row (thread) {process_ns_per_row:>8.0} ns/row (process)  \
         push of {BOXES} rows p50 {push_p50:?} p99 {push_p99:?} max {push_max:?}"
    );
}

#[test]
#[ignore = "a measurement"]
fn cost_per_row() {
    for place in [std::env::temp_dir(), "/dev/shm".into()] {
        for _ in 0..2 {
            let with = tempfile::tempdir_in(&place).unwrap();
            let without = tempfile::tempdir_in(&place).unwrap();
            // Somebody else's file of that name: parts are written, journals are not.
            std::fs::write(without.path().join(".client_queries_service1_temp.journal"), b"not a journal").unwrap();
            let place = place.display();
            print(&format!("{place}, journal, as fast as it can"), &measure(with.path(), FRAMES, None));
            print(&format!("{place}, no journal, as fast as it can"), &measure(without.path(), FRAMES, None));
        }
        let with = tempfile::tempdir_in(&place).unwrap();
        let slowly = measure(with.path(), 1_000, Some(Duration::from_millis(5)));
        print(&format!("{}, journal, a frame every 5 ms", place.display()), &slowly);
    }
}
