//! The reading half.

use std::ops::Deref;

use super::state::{Handle, Shared, Versioned};
use crate::sync::UnsafeCell;

/// One of the readers of a snapshot.
pub struct Reader<T> {
    shared: Handle<T>,
    /// Number of the cell that this reader is in; it stays there until it looks again and finds a newer one.
    cell: u32,
}

impl<T> Reader<T> {
    pub(super) fn new(shared: Handle<T>) -> Self {
        Self { shared, cell: Shared::<T>::FIRST }
    }

    /// The newest value. Wait-free: one load where nothing was published since the last look, else two atomic adds.
    pub fn read(&mut self) -> Guard<'_, T> {
        self.go_to_newest();
        self.guard()
    }

    /// The newest value, where one was published since the last look.
    pub fn newer(&mut self) -> Option<Guard<'_, T>> {
        self.go_to_newest().then(|| self.guard())
    }

    /// The value last looked at, newest or not.
    #[must_use]
    pub fn last(&self) -> Guard<'_, T> {
        self.guard()
    }

    /// Whether the writer was dropped. What it wrote stays readable; a look after this was true finds the last version.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }

    /// Whether there was something newer to go to.
    fn go_to_newest(&mut self) -> bool {
        // A cell is not written while a reader is in it, so the same number is the same version.
        if self.shared.newest_cell() == self.cell {
            return false;
        }
        self.shared.leave(self.cell);
        self.cell = self.shared.enter();
        true
    }

    fn guard(&self) -> Guard<'_, T> {
        Guard { inside: self.shared.inside(self.cell) }
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.shared.leave(self.cell);
    }
}

/// A look at one version of the value, whole and unchanging for as long as this lives.
pub struct Guard<'a, T> {
    inside: &'a UnsafeCell<Versioned<T>>,
}

impl<'a, T> Guard<'a, T> {
    /// Which version this is: 0 before the first write, then one more with each.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.versioned().version
    }

    fn versioned(&self) -> &'a Versioned<T> {
        // SAFETY: the reader that this guard borrows from is in the cell and stays in it, so nobody writes into it.
        self.inside.with(|inside| unsafe { &*inside })
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.versioned().value
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("version", &self.version()).field("value", &**self).finish()
    }
}
