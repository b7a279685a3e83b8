//! The end of whoever keeps the books.

use std::sync::Arc;

use rtrb::Consumer;
use rtrb::chunks::ReadChunk;

use crate::trace::count::Count;

/// So many records are taken before their places are free again: a call to the ring's shared indices costs as much as
/// several records, and a long drain must not keep a full ring full until its end.
const PIECE: usize = 512;

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
    /// Calls `take` with each of the records that are in the ring now, oldest first, and frees its place soon after.
    ///
    /// It ends after as many records as there were at the call, so that a fast emitter cannot hold the reader.
    pub fn drain(&mut self, mut take: impl FnMut(T)) -> usize {
        self.pieces(|piece| piece.into_iter().for_each(&mut take))
    }

    /// As [`Inlet::drain`], with many records at once, where they lie.
    ///
    /// ```
    /// let (mut emitter, mut inlet) = rt_core::trace::emitter::ring(4);
    /// (0..4).for_each(|number| assert!(emitter.emit(number)));
    /// let mut sum = 0;
    /// assert_eq!(inlet.drain_slices(|numbers| sum += numbers.iter().sum::<i32>()), 4);
    /// assert_eq!(sum, 6);
    /// ```
    pub fn drain_slices(&mut self, mut take: impl FnMut(&[T])) -> usize {
        self.pieces(|piece| {
            let (first, second) = piece.as_slices();
            [first, second].into_iter().filter(|records| !records.is_empty()).for_each(&mut take);
            piece.commit_all();
        })
    }

    fn pieces(&mut self, mut take: impl FnMut(ReadChunk<'_, T>)) -> usize {
        let waiting = self.ring.slots();
        self.deepest = self.deepest.max(waiting);
        let mut left = waiting;
        while left > 0 {
            // There are at least as many as were seen: only this end takes any.
            let Ok(piece) = self.ring.read_chunk(left.min(PIECE)) else { break };
            left -= piece.len();
            take(piece);
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
