//! The end of whoever keeps the books.

use std::sync::Arc;

use rtrb::{Consumer, PopError};

use crate::trace::count::Count;

/// Takes what one emitter handed over.
#[derive(Debug)]
pub struct Inlet<T> {
    pub(super) ring: Consumer<T>,
    pub(super) dropped: Arc<Count>,
    pub(super) deepest: usize,
}

/// How full a ring is, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingDepth {
    /// Its room.
    pub capacity: usize,
    /// What waits in it now.
    pub waiting: usize,
    /// The most that ever waited when it was drained.
    pub deepest: usize,
}

impl<T> Inlet<T> {
    /// Calls `take` with each of the records that are in the ring now, oldest first, and frees its place.
    ///
    /// It ends after as many records as there were at the call, so that a fast emitter cannot hold the reader.
    pub fn drain(&mut self, mut take: impl FnMut(T)) -> usize {
        let waiting = self.ring.slots();
        self.deepest = self.deepest.max(waiting);
        for _ in 0..waiting {
            match self.ring.pop() {
                Ok(record) => take(record),
                Err(PopError::Empty) => break,
            }
        }
        waiting
    }

    /// How full it is, and was.
    ///
    /// ```
    /// let (mut emitter, mut inlet) = rt_core::trace::emitter::ring(8);
    /// (0..5).for_each(|number| drop(emitter.emit(number)));
    /// inlet.drain(drop);
    /// emitter.emit(5);
    /// let depth = inlet.depth();
    /// assert_eq!((depth.capacity, depth.waiting, depth.deepest), (8, 1, 5));
    /// ```
    #[must_use]
    pub fn depth(&self) -> RingDepth {
        let waiting = self.ring.slots();
        RingDepth { capacity: self.ring.buffer().capacity(), waiting, deepest: self.deepest.max(waiting) }
    }

    /// Records lost so far because the ring was full; never falls.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Whether the emitter is gone, so that nothing comes that is not in the ring by now.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Whether the emitter is gone and everything it emitted has been taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // The order counts: once the emitter is seen gone, nothing can arrive any more.
        self.is_abandoned() && self.ring.is_empty()
    }
}
