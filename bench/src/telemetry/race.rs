//! Producers and a consumer on two cores, whatever is between them.

use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;

use super::Plan;
use super::producer::{Emit, Emitted, Producer};
use crate::error::{BenchError, Result};
use crate::seat::usable_cores;

/// Cores that producers and consumer share.
const CORES: usize = 2;

/// What came of it.
pub(super) struct Raced<C> {
    /// What the consumer left.
    pub(super) consumed: C,
    /// Processor time of the consumer's thread.
    pub(super) consumer_cpu: Duration,
    /// Processor time of all threads.
    pub(super) cpu: Duration,
    /// From the start until the last producer ended.
    pub(super) elapsed: Duration,
    /// Records that were emitted, taken or not.
    pub(super) records: u64,
    /// Nanoseconds of one emit, as the mean of each block, of all producers.
    pub(super) emit_ns: Vec<u32>,
}

/// Runs a producer for each of `emitters` beside `consume`, which ends once it is told to and all is taken.
pub(super) fn race<E, F, C>(
    plan: Plan,
    emitters: Vec<F>,
    consume: impl FnOnce(&StopToken) -> C + Send,
) -> Result<Raced<C>>
where
    E: Emit,
    F: FnOnce() -> E + Send,
    C: Send,
{
    let bound = Bound::to_cores(CORES)?;
    let each = plan.records_per_s / plan.producers.max(1) as f64;
    let producers: Vec<_> = emitters.into_iter().map(|emitter| Producer::new(emitter, each, plan.duration)).collect();
    let stop = StopToken::default();
    let cpu_before = cpu(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    let begun = Monotonic::now();
    let (consumed, emitted, elapsed) = std::thread::scope(|scope| {
        let consuming = scope.spawn(|| (consume(&stop), cpu(ClockId::CLOCK_THREAD_CPUTIME_ID)));
        let running: Vec<_> = producers.into_iter().map(|producer| scope.spawn(move || producer.run())).collect();
        let emitted: Vec<_> = running.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        let elapsed = begun.elapsed();
        stop.set();
        (consuming.join(), emitted, elapsed)
    });
    let cpu = cpu(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.saturating_sub(cpu_before);
    drop(bound);
    let died = |_| BenchError::Violated("a thread panicked".to_owned());
    let (consumed, consumer_cpu) = consumed.map_err(died)?;
    let emitted = emitted.into_iter().collect::<std::thread::Result<Vec<Emitted>>>().map_err(died)?;
    Ok(Raced {
        consumed,
        consumer_cpu: consumer_cpu?,
        cpu,
        elapsed,
        records: emitted.iter().map(|emitted| emitted.records).sum(),
        emit_ns: emitted.into_iter().flat_map(|emitted| emitted.emit_ns).collect(),
    })
}

fn cpu(clock: ClockId) -> Result<Duration> {
    let time = clock_gettime(clock).map_err(|error| BenchError::system("reading processor time")(error.into()))?;
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
