//! How slots come home: one flag per lease, raised by whoever drops it, lowered by the owner.
//!
//! It is a return ring that can never be full, needs no endpoint on the dropping thread and has no count that threads
//! contend for. A slot that has fewer readers than flags has the spare flags raised from the start, so "home" is
//! always "every flag is up" and nobody has to remember how many leases are out.

use super::MAX_READERS;
use crate::sync::{AtomicBool, Ordering};

/// The flags of every slot of a pool.
pub(super) struct Returns(Box<[[AtomicBool; MAX_READERS]]>);

impl Returns {
    /// For `slots` slots, all at home.
    pub(super) fn all_home(slots: usize) -> Self {
        Self((0..slots).map(|_| std::array::from_fn(|_| AtomicBool::new(true))).collect())
    }

    /// The owner lends a slot that is home: every flag has to be raised before it is home again.
    pub(super) fn lend(&self, slot: usize) {
        for flag in self.flags(slot) {
            flag.store(false, Ordering::Relaxed);
        }
    }

    /// The lease of `reader` has ended.
    pub(super) fn raise(&self, slot: usize, reader: usize) {
        if let Some(flag) = self.flags(slot).get(reader) {
            // Release: what the lease's holder did with the bytes happens before the owner's reuse.
            flag.store(true, Ordering::Release);
        }
    }

    /// The flags from `first` on will have no lease of their own.
    pub(super) fn raise_from(&self, slot: usize, first: usize) {
        for flag in self.flags(slot).iter().skip(first) {
            flag.store(true, Ordering::Release);
        }
    }

    /// Whether every lease of a slot has ended.
    pub(super) fn is_home(&self, slot: usize) -> bool {
        // Acquire: see `raise`.
        self.flags(slot).iter().all(|flag| flag.load(Ordering::Acquire))
    }

    fn flags(&self, slot: usize) -> &[AtomicBool] {
        self.0.get(slot).map_or(&[], |flags| flags.as_slice())
    }
}
