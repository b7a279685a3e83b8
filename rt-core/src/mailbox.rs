//! Latest-wins mailbox: one sender, one receiver, and only the newest value counts.
//!
//! Three cells change hands by swapping indices, so neither side ever waits, copies or allocates. A value that was
//! overtaken comes back to the sender, who owns what follows (returning a slot, counting the loss): nothing is dropped
//! in silence.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Set in `middle` when its cell holds a value that the receiver has not taken.
const FRESH: u8 = 0b100;
const INDEX: u8 = 0b011;

struct Shared<T> {
    cells: [UnsafeCell<Option<T>>; 3],
    /// Index of the cell that belongs to neither side, and whether it is fresh.
    middle: AtomicU8,
}

// SAFETY: each cell is reachable by exactly one side at a time: sender and receiver each own one index, the third is
// in `middle` and changes owner only by an atomic swap with acquire-release ordering. So `T` is moved, never shared.
unsafe impl<T: Send> Sync for Shared<T> {}

/// The sending half.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
    own: u8,
}

/// The receiving half.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    own: u8,
}

/// A mailbox, empty.
///
/// ```
/// let (mut sender, mut receiver) = rt_core::mailbox::mailbox();
/// assert_eq!(sender.put(1), None);
/// assert_eq!(sender.put(2), Some(1), "the overtaken value comes back");
/// assert_eq!(receiver.take(), Some(2));
/// assert_eq!(receiver.take(), None);
/// ```
#[must_use]
pub fn mailbox<T: Send>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        cells: [UnsafeCell::new(None), UnsafeCell::new(None), UnsafeCell::new(None)],
        middle: AtomicU8::new(1),
    });
    (Sender { shared: Arc::clone(&shared), own: 0 }, Receiver { shared, own: 2 })
}

impl<T> Shared<T> {
    /// The cell of `own`; masking keeps the index in bounds without a branch that could panic.
    fn cell(&self, own: u8) -> &UnsafeCell<Option<T>> {
        let [first, second, third] = &self.cells;
        match own {
            0 => first,
            1 => second,
            _ => third,
        }
    }
}

impl<T> Sender<T> {
    /// Leaves `value` as the newest; returns the one it overtakes, where the receiver had not taken it.
    pub fn put(&mut self, value: T) -> Option<T> {
        // SAFETY: `own` is this side's cell alone; nobody else looks at it until the swap below gives it away.
        unsafe { *self.shared.cell(self.own).get() = Some(value) };
        let before = self.shared.middle.swap(self.own | FRESH, Ordering::AcqRel);
        self.own = before & INDEX;
        // SAFETY: the swap made the former middle cell this side's.
        unsafe { (*self.shared.cell(self.own).get()).take() }
    }
}

impl<T> Receiver<T> {
    /// Takes the newest value, where there is one that has not been taken.
    pub fn take(&mut self) -> Option<T> {
        if self.shared.middle.load(Ordering::Relaxed) & FRESH == 0 {
            return None;
        }
        let before = self.shared.middle.swap(self.own, Ordering::AcqRel);
        self.own = before & INDEX;
        // SAFETY: the swap made the former middle cell this side's, and acquire ordering makes its value visible.
        unsafe { (*self.shared.cell(self.own).get()).take() }
    }
}

#[cfg(test)]
mod tests;
