//! The end of whoever keeps the books.

use std::sync::Arc;

use rtrb::{Consumer, PopError};

use crate::trace::count::Count;

/// Takes what one emitter handed over.
#[derive(Debug)]
pub struct Inlet<T> {
    pub(super) ring: Consumer<T>,
    pub(super) dropped: Arc<Count>,
}

impl<T> Inlet<T> {
    /// Calls `take` with each of the records that are in the ring now, oldest first, and frees its place.
    ///
    /// It ends after as many records as there were at the call, so that a fast emitter cannot hold the reader.
    pub fn drain(&mut self, mut take: impl FnMut(T)) -> usize {
        let waiting = self.ring.slots();
        for _ in 0..waiting {
            match self.ring.pop() {
                Ok(record) => take(record),
                Err(PopError::Empty) => break,
            }
        }
        waiting
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
