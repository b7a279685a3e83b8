//! What the telemetry carries: producers with real emitters, the real collector, and an event log on the disk.
//!
//! A record here is what a worker or transport thread tells of a hop of a frame: a stamp of 32 bytes, with two readings of
//! the clock. It goes the whole way: through its thread's ring, into the hop's histogram, through the merge by time, and
//! into the event log's files. Producers follow the clock (so many records each millisecond) and never wait: what finds
//! its ring full is lost, and counted.

mod producer;
mod row;

use std::path::Path;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::stop::StopToken;
use rt_core::trace::{Hop, Tracer};
use telemetry::collector::Collector;
use telemetry::events::EventLog;
use telemetry::logs::Logs;
use telemetry::names::Names;

pub use row::Row;

use crate::error::{BenchError, Result};
use crate::seat::usable_cores;
use producer::{Emitted, Producer};

/// Cores that producers and collector share.
const CORES: usize = 2;
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
    let bound = Bound::to_cores(CORES)?;
    let mut tracer = Tracer::default();
    let each = plan.records_per_s / plan.producers.max(1) as f64;
    let producers: Vec<Producer> = (1..=plan.producers)
        .map(|number| Producer::new(tracer.stamper(format!("producer-{number}"), RING), each, plan.duration))
        .collect();
    let start = ClockAnchor::now();
    let mut collector = Collector::new(start, Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    collector.log_events(EventLog::new(dir, plan.quota_mib * MIB, start));
    let stop = StopToken::default();
    let begun = Monotonic::now();
    let (report, emitted, elapsed) = std::thread::scope(|scope| {
        let collecting = scope.spawn(|| (collector.run(&stop), thread_cpu()));
        let running: Vec<_> = producers.into_iter().map(|producer| scope.spawn(move || producer.run())).collect();
        let emitted: Vec<_> = running.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        let elapsed = begun.elapsed();
        stop.set();
        (collecting.join(), emitted, elapsed)
    });
    drop(bound);
    let died = |_| BenchError::Violated("a thread panicked".to_owned());
    let (report, collector_cpu) = report.map_err(died)?;
    let emitted = emitted.into_iter().collect::<std::thread::Result<Vec<Emitted>>>().map_err(died)?;
    let records: u64 = emitted.iter().map(|emitted| emitted.records).sum();
    let taken = report.hops.count(Hop::CloudQueue);
    let events = &report.events;
    if taken + report.records_dropped != records || events.written + events.lost < taken {
        return Err(BenchError::Violated(format!(
            "of {records} records {taken} were taken, {} lost, and {} events written",
            report.records_dropped, events.written
        )));
    }
    Ok(Row::new(plan, elapsed, (taken, collector_cpu?), &report, emitted))
}

/// Processor time of this thread since its start.
fn thread_cpu() -> Result<Duration> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_err(|source| BenchError::System {
        what: "reading the thread's processor time".to_owned(),
        source: source.into(),
    })?;
    Ok(time.into())
}

/// This thread, and those it starts, on a few cores; on all again when dropped.
struct Bound(CpuSet);

impl Bound {
    fn to_cores(count: usize) -> Result<Self> {
        let failed = |source: nix::Error| BenchError::System {
            what: format!("binding to {count} cores"),
            source: source.into(),
        };
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this).map_err(failed)?;
        let mut few = CpuSet::new();
        usable_cores().into_iter().take(count).try_for_each(|core| few.set(core)).map_err(failed)?;
        sched_setaffinity(this, &few).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // What was allowed before is allowed again.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.0);
    }
}
