//! Why a pool could not be made, or a slot not be shared out.

use crate::memory::arena::ArenaError;

/// Why a pool could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No slots, or slots of no bytes.
    #[error("a pool of {slots} slots of {slot_bytes} bytes was asked for; both must be at least 1")]
    Empty {
        /// Slots asked for.
        slots: usize,
        /// Bytes per slot asked for.
        slot_bytes: usize,
    },
    /// The slots do not fit into the arena that was given.
    #[error(
        "{slots} slots of {slot_bytes} bytes take {needed_bytes} bytes with their alignment, but the arena has {arena_bytes}; give it {needed_bytes} or ask for {fitting} slots"
    )]
    LargerThanArena {
        /// Slots asked for.
        slots: usize,
        /// Bytes per slot asked for.
        slot_bytes: usize,
        /// What they take.
        needed_bytes: usize,
        /// What there is.
        arena_bytes: usize,
        /// How many would fit.
        fitting: usize,
    },
    /// The arena could not be had.
    #[error(transparent)]
    Arena(#[from] ArenaError),
}

/// More bytes were said to be filled than a slot has; the slot has gone home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{filled_bytes} bytes were said to be filled of a slot that has {slot_bytes}")]
pub struct Overfilled {
    /// What was said.
    pub filled_bytes: usize,
    /// What there is.
    pub slot_bytes: usize,
}
