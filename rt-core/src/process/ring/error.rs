//! What a ring's ends can be told.

use super::super::claim::{Claimed, Role};
use super::super::name::ProcessName;
use super::super::segment::{Name, SegmentError};

/// The indices in shared memory contradict each other, or this end's own: the other process is broken or hostile. No
/// message of the ring can be trusted any more; drop both ends and make a new segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "ring {ring} is corrupt: tail {tail}, head {head}, {role}'s own index {own}; tail − head must be 0 to {capacity}, and nobody else moves the {role}'s index"
)]
pub struct Corrupt {
    /// The ring.
    pub ring: Name,
    /// Which end saw it.
    pub role: Role,
    /// Messages ever pushed, modulo 2³¹, as read.
    pub tail: u32,
    /// Messages ever popped, modulo 2³¹, as read.
    pub head: u32,
    /// This end's own index.
    pub own: u32,
    /// The ring's capacity.
    pub capacity: u32,
}

/// Why a message was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// There is no room: the consumer is behind.
    #[error("ring {ring} is full: {capacity} messages wait for the consumer")]
    Full {
        /// The ring.
        ring: Name,
        /// Its capacity.
        capacity: u32,
    },
    /// See [`Corrupt`].
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Why waiting ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The instant has come.
    #[error("ring {ring}: the {peer} did nothing in time")]
    TimedOut {
        /// The ring.
        ring: Name,
        /// Who was waited for.
        peer: Role,
    },
    /// The process on the other end was killed or has crashed; everything it committed has been taken.
    #[error("ring {ring}: its {peer}, process {pid} ({process}), has died; another can attach in its place")]
    PeerDied {
        /// The ring.
        ring: Name,
        /// Which end it held.
        peer: Role,
        /// Its pid.
        pid: u32,
        /// What it called itself.
        process: ProcessName,
    },
    /// The other end was dropped in good order; everything it committed has been taken.
    #[error("ring {ring}: its {peer} ({process}) has left; another can attach in its place")]
    PeerLeft {
        /// The ring.
        ring: Name,
        /// Which end it held.
        peer: Role,
        /// What it called itself.
        process: ProcessName,
    },
    /// See [`Corrupt`].
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Why an end could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The segment has no such ring.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Another process, or another thread of this one, has this end.
    #[error(transparent)]
    Claimed(#[from] Claimed),
    /// See [`Corrupt`].
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}
