//! What can be wrong with a pool, and with what comes out of it.

use super::super::claim::Claimed;
use super::super::ring::{AttachError, Corrupt, WaitError};
use super::super::segment::{Name, SegmentError};
use super::MOST_READERS;

/// Why a pool could not be described or attached.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// The segment has no such pool, or cannot have it.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Somebody else owns the pool.
    #[error(transparent)]
    Claimed(#[from] Claimed),
    /// A reader's ring could not be attached.
    #[error(transparent)]
    Ring(#[from] AttachError),
    /// No readers, or more than the pool keeps words for.
    #[error("frame pool {pool} with {found} readers: it must have 1 to {MOST_READERS}")]
    Readers {
        /// The pool.
        pool: Name,
        /// How many.
        found: usize,
    },
    /// The pool had an owner before, and nobody knows what that one lent.
    #[error("frame pool {pool} had an owner before, whose frames may still be read: make a new segment")]
    HadOwner {
        /// The pool.
        pool: Name,
    },
    /// The pool has no reader of that name.
    #[error("frame pool {pool} has no reader {reader:?} among its {readers}")]
    NoSuchReader {
        /// The pool.
        pool: Name,
        /// The name asked for.
        reader: Box<str>,
        /// How many it has.
        readers: usize,
    },
}

/// Why a slot was not lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LendError {
    /// The frame would be longer than its slot.
    #[error("frame pool {pool}: a frame of {length_bytes} bytes in a slot of {slot_bytes}")]
    TooLong {
        /// The pool.
        pool: Name,
        /// Bytes the frame was said to have.
        length_bytes: usize,
        /// Bytes of a slot.
        slot_bytes: u32,
    },
    /// The lease is of another pool, to whose owner it goes back.
    #[error("frame pool {pool} cannot lend a slot of pool {other}")]
    OtherPool {
        /// The pool.
        pool: Name,
        /// The lease's.
        other: Name,
    },
}

/// A descriptor that describes no frame of the pool: its owner is broken or hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "frame pool {pool}: a descriptor names slot {slot} of {slots}, {length_bytes} bytes of {slot_bytes}, format {format} (1 is RGB)"
)]
pub struct BadDescriptor {
    /// The pool.
    pub pool: Name,
    /// The slot named.
    pub slot: u32,
    /// Slots there are.
    pub slots: u32,
    /// The length named, bytes.
    pub length_bytes: u32,
    /// Bytes of a slot.
    pub slot_bytes: u32,
    /// The format named.
    pub format: u16,
}

/// Why a reader got no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The ring cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Timed out, or the owner is gone and every frame it lent has been taken.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// See [`BadDescriptor`].
    #[error(transparent)]
    Bad(#[from] BadDescriptor),
}
