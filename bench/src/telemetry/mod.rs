//! What the telemetry carries: producers with real emitters, the real collector, and an event log on the disk.
//!
//! A record here is what a worker or transport thread tells of a hop of a frame: a stamp of 32 bytes, with two readings of
//! the clock. It goes the whole way: through its thread's ring, into the hop's histogram, through the merge by time, and
//! into the event log's files. Producers follow the clock (so many records each millisecond) and never wait: what finds
//! its ring full is lost, and counted.

//!
//! Beside it, in the same run and at the same rate, what one would otherwise use ([`Peer`]).

mod peers;
mod producer;
mod race;
mod row;

use std::path::Path;
use std::time::Duration;

use rt_core::clock::ClockAnchor;
use rt_core::trace::{Hop, Tracer};
use telemetry::collector::Collector;
use telemetry::events::EventLog;
use telemetry::logs::Logs;
use telemetry::names::Names;

pub use peers::Peer;
pub use row::{PeerRow, Ratio, Row};

use crate::error::{BenchError, Result};
use race::race;

/// Records of a ring: a quarter of a second of the fastest producer here, 8 MiB.
const RING: usize = 1 << 18;
const MIB: u64 = 1 << 20;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Threads that emit.
    pub producers: usize,
    /// How long they do.
    pub duration: Duration,
    /// Records a second of all together.
    pub records_per_s: f64,
    /// The event log's quota.
    pub quota_mib: u64,
}

/// Carries one measurement out; the event log goes to `dir`.
///
/// # Errors
/// [`BenchError`], also where records were neither written nor counted as lost.
pub fn measure(plan: Plan, dir: &Path) -> Result<Row> {
    let mut tracer = Tracer::default();
    let stampers: Vec<_> = (1..=plan.producers)
        .map(|number| tracer.stamper(format!("producer-{number}"), RING))
        .map(|stamper| move || stamper)
        .collect();
    let start = ClockAnchor::now();
    let mut collector = Collector::new(start, Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    collector.log_events(EventLog::new(dir, plan.quota_mib * MIB, start));
    let raced = race(plan, stampers, |stop| collector.run(stop))?;
    let report = &raced.consumed;
    let taken = report.hops.count(Hop::CloudQueue);
    let events = &report.events;
    if taken + report.records_dropped != raced.records || events.written + events.lost < taken {
        return Err(BenchError::Violated(format!(
            "of {} records {taken} were taken, {} lost, and {} events written",
            raced.records, report.records_dropped, events.written
        )));
    }
    Ok(Row::new(plan, taken, raced))
}
