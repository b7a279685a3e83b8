//! The writing half.

use super::state::{Handle, Shared, Versioned};

/// The one writer of a snapshot.
pub struct Writer<T> {
    shared: Handle<T>,
    /// Number of the newest cell.
    newest: u32,
    version: u64,
    /// For every cell: how many readers have entered it since it was made, wrapping, as of when it ceased to be the
    /// newest.
    entered: Box<[u32]>,
}

impl<T> Writer<T> {
    pub(super) fn new(shared: Handle<T>, readers: usize) -> Self {
        Self { shared, newest: Shared::<T>::FIRST, version: 0, entered: vec![0; readers + 2].into_boxed_slice() }
    }

    /// Publishes `value` as the newest; returns the old one whose cell it took, which no reader is looking at any more,
    /// so that its owner decides what becomes of it. Wait-free: a look at the cells and one atomic exchange.
    pub fn write(&mut self, value: T) -> T {
        self.write_with(|cell| std::mem::replace(cell, value))
    }

    /// Publishes what `build` makes of an old value, in place, so that a large `T` is not moved. Which old value that
    /// is is not said: `build` must set all of it that counts.
    ///
    /// Where `build` panics nothing is published, and the next write starts from what it left.
    pub fn write_with<R>(&mut self, build: impl FnOnce(&mut T) -> R) -> R {
        let cell = self.free_cell();
        let version = self.version.wrapping_add(1);
        let built = self.shared.inside(cell).with_mut(|inside| {
            // SAFETY: the cell is not the newest and all readers that entered it have left, so until it is published
            // nobody but this writer, which is borrowed exclusively, reaches it.
            let Versioned { version: of_cell, value } = unsafe { &mut *inside };
            *of_cell = version;
            build(value)
        });
        let before = self.shared.publish(cell);
        // There is an entry for every cell.
        if let Some(entered) = self.entered.get_mut(before.cell as usize) {
            *entered = entered.wrapping_add(before.entered);
        }
        self.newest = cell;
        self.version = version;
        built
    }

    /// A cell that is not the newest and that nobody is in, looked for from the newest on, since those behind it were
    /// published longest ago. One pass finds one: each of the R readers is seen in one cell at most, of R + 1.
    fn free_cell(&self) -> u32 {
        let cells = self.entered.len() as u32;
        loop {
            let mut others = (self.newest + 1..cells).chain(0..self.newest);
            let free = others.find(|&cell| self.entered.get(cell as usize) == Some(&self.shared.left(cell)));
            debug_assert!(free.is_some(), "a reader is counted into two cells");
            if let Some(free) = free {
                return free;
            }
        }
    }

    /// The version last written: 0 before the first.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
