//! The end of whoever looks.

use std::sync::Arc;

use super::{Cells, Counter, KernelCounter};
use crate::trace::count::Count;

/// Looks at one thread's counters, while it runs and after.
#[derive(Clone, Debug)]
pub struct ThreadWatch {
    pub(super) cells: Arc<Cells>,
}

impl ThreadWatch {
    /// The thread's name.
    #[must_use]
    pub fn thread(&self) -> &str {
        &self.cells.thread
    }

    /// Every number now. Each is right by itself; two may be of slightly different moments.
    #[must_use]
    pub fn snapshot(&self) -> CounterSnapshot {
        CounterSnapshot {
            own: std::array::from_fn(|at| self.cells.own.get(at).map_or(0, Count::get)),
            kernel: std::array::from_fn(|at| self.cells.kernel.get(at).map_or(0, Count::get)),
        }
    }
}

/// One thread's numbers at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CounterSnapshot {
    own: [u64; Counter::COUNT],
    kernel: [u64; KernelCounter::COUNT],
}

impl CounterSnapshot {
    /// What the thread counted itself.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.own.get(counter as usize).copied().unwrap_or(0)
    }

    /// What the kernel counted, as of the thread's last reading (at most a second old while it loops).
    #[must_use]
    pub fn kernel(&self, counter: KernelCounter) -> u64 {
        self.kernel.get(counter as usize).copied().unwrap_or(0)
    }

    /// What was counted since `earlier` of the same thread.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let (mut own, mut kernel) = (self.own, self.kernel);
        let before = earlier.own.iter().chain(&earlier.kernel);
        for (count, before) in own.iter_mut().chain(&mut kernel).zip(before) {
            *count = count.saturating_sub(*before);
        }
        Self { own, kernel }
    }

    /// Every number with its name, in the order of declaration: the thread's own, then the kernel's.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let own = Counter::ALL.iter().map(|counter| counter.name()).zip(self.own);
        let kernel = KernelCounter::ALL.iter().map(|counter| counter.name()).zip(self.kernel);
        own.chain(kernel)
    }
}
