//! The thread's end.

use std::sync::Arc;
use std::time::Duration;

use super::{Cells, Counter, ThreadWatch, kernel};
use crate::clock::Monotonic;

/// How often [`ThreadCounters::tick`] asks the kernel.
const KERNEL_PERIOD: Duration = Duration::from_secs(1);

/// Counts what one thread does. Move it to the thread; the last reading is taken when the thread drops it.
///
/// It cannot be cloned: each number has one writer, which is why counting needs no locked instruction.
///
/// ```
/// use rt_core::{clock::Monotonic, trace::counters::{Counter, ThreadCounters}};
/// let (mut counters, watch) = ThreadCounters::new("encoder-1");
/// let thread = std::thread::spawn(move || {
///     for _ in 0..10 {
///         counters.tick(Monotonic::now());
///         counters.count(Counter::Items);
///     }
/// });
/// thread.join().map_err(|_| "it does not panic")?;
/// let seen = watch.snapshot();
/// assert_eq!((seen.get(Counter::Loops), seen.get(Counter::Items)), (10, 10));
/// assert!(seen.iter().any(|(name, _)| name == "voluntary_switches"));
/// # Ok::<(), &str>(())
/// ```
///
/// ```compile_fail,E0599
/// let (counters, _watch) = rt_core::trace::counters::ThreadCounters::new("one writer");
/// let second = counters.clone();
/// ```
#[derive(Debug)]
pub struct ThreadCounters {
    cells: Arc<Cells>,
    /// When to ask the kernel again.
    due: Monotonic,
    /// The thread whose numbers the kernel's are.
    ticked_on: Option<i32>,
}

impl ThreadCounters {
    /// Counters for the thread called `thread`, all zero, and what others see of them.
    #[must_use]
    pub fn new(thread: impl Into<String>) -> (Self, ThreadWatch) {
        let cells = Cells { own: Default::default(), kernel: Default::default(), thread: thread.into() };
        let cells = Arc::new(cells);
        (Self { cells: Arc::clone(&cells), due: Monotonic::ZERO, ticked_on: None }, ThreadWatch { cells })
    }

    /// Once per pass of the thread's loop: counts it and, once a second, reads the kernel's numbers.
    pub fn tick(&mut self, now: Monotonic) {
        self.count(Counter::Loops);
        if now >= self.due {
            self.due = now.plus(KERNEL_PERIOD);
            self.ticked_on = Some(kernel::thread_id());
            self.read_kernel();
        }
    }

    /// Counts one.
    pub fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `more`.
    pub fn add(&mut self, counter: Counter, more: u64) {
        if let Some(count) = self.cells.own.get(counter as usize) {
            count.add(more);
        }
    }

    fn read_kernel(&self) {
        for (count, now) in self.cells.kernel.iter().zip(kernel::of_this_thread()) {
            count.set(now);
        }
    }
}

impl Drop for ThreadCounters {
    fn drop(&mut self) {
        // Dropped elsewhere than where it counted, it would take another thread's numbers for its own.
        if self.ticked_on == Some(kernel::thread_id()) {
            self.read_kernel();
        }
    }
}
