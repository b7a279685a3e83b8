//! How busy a worker is, for whoever watches: written by the worker alone, read by any thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rt_core::clock::Monotonic;

/// One worker's tasks and time.
///
/// ```
/// use std::time::Duration;
/// use rt_core::clock::Monotonic;
/// use rt_core::doorbell::Doorbell;
/// use transport::gateway::worker::worker_channel;
/// let (mut port, end) = worker_channel(&Doorbell::eventfd()?);
/// let load = port.watch().map(|watch| watch.load).expect("the first who asks gets it");
/// assert!(load.is_alive() && load.tasks() == 0 && load.busy(Monotonic::now()) == Duration::ZERO);
/// drop(end);
/// assert!(!load.is_alive());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct WorkerLoad {
    tasks: AtomicU64,
    /// With the tasks that are over.
    busy_ns: AtomicU64,
    /// When the present one was begun; zero without one.
    begun_ns: AtomicU64,
    gone: AtomicBool,
}

impl WorkerLoad {
    /// Tasks that were done.
    #[must_use]
    pub fn tasks(&self) -> u64 {
        self.tasks.load(Ordering::Relaxed)
    }

    /// Time spent on tasks until `now`, that on the present one with it.
    #[must_use]
    pub fn busy(&self, now: Monotonic) -> Duration {
        // The beginning first: a task that ends in between then counts twice at the most, until the next look.
        let begun = self.begun_ns.load(Ordering::Relaxed);
        let present = if begun == 0 { 0 } else { now.as_ns().saturating_sub(begun) };
        Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed).saturating_add(present))
    }

    /// Whether the worker is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.gone.load(Ordering::Relaxed)
    }

    /// A task was taken. Here and below: the worker's calls, so that a load and a store are enough.
    pub(super) fn begun(&self, now: Monotonic) {
        self.begun_ns.store(now.as_ns(), Ordering::Relaxed);
    }

    /// It was done.
    pub(super) fn ended(&self, now: Monotonic) {
        self.settle(now);
        self.tasks.store(self.tasks().wrapping_add(1), Ordering::Relaxed);
    }

    /// The worker is gone, whatever it was at.
    pub(super) fn gone(&self, now: Monotonic) {
        self.settle(now);
        self.gone.store(true, Ordering::Relaxed);
    }

    fn settle(&self, now: Monotonic) {
        let begun = self.begun_ns.load(Ordering::Relaxed);
        if begun > 0 {
            self.begun_ns.store(0, Ordering::Relaxed);
            let busy = self.busy_ns.load(Ordering::Relaxed).saturating_add(now.as_ns().saturating_sub(begun));
            self.busy_ns.store(busy, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_while_a_task_is_there_and_no_longer() {
        let load = WorkerLoad::default();
        let at = |ms: u64| Monotonic::from_ns(ms * 1_000_000);
        let busy = |now| load.busy(at(now)).as_millis();
        assert_eq!(busy(5), 0);
        load.begun(at(10));
        assert_eq!((busy(30), load.tasks()), (20, 0));
        load.ended(at(50));
        assert_eq!((busy(90), load.tasks()), (40, 1));
        load.begun(at(100));
        load.gone(at(105));
        assert_eq!((busy(200), load.tasks(), load.is_alive()), (45, 1, false));
    }
}
