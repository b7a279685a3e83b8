//! Which connections there are, which one carries the frames, and when to try for another: the rules alone, with
//! neither socket nor clock.
//!
//! Every uplink (one, or one for each interface the car may use) wants one connection that works. It has none, or one
//! that is suspect ([`health`]) or has changed its address too often: then attempts begin ([`schedule`]), in parallel
//! with each other and with what still lives, and the first that is accepted takes over. What it replaces carries the
//! answers of the frames it has, begins no other, and is closed when they are done. A dead connection is not given up at
//! once but rests, with a ping of some 70 bytes ten times a second: when the path comes back, the first of them that is
//! acknowledged brings the car back in one round trip, without a handshake, and a fresh connection takes over from there
//! (the old one's round-trip times have the silence in them). Of the uplinks whose connections
//! work, one carries the frames ([`preference`]); the others stand by, with pings only.

mod decide;
mod health;
mod live;
mod preference;
mod rules;
mod schedule;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(super) use rules::Connections;

/// Names an attempt, and the connection that comes of it.
pub(super) type Id = u64;

/// What is known of one connection at a moment; the first three are totals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    pub(super) sent_bytes: u64,
    pub(super) acked_bytes: u64,
    /// Changes of this end's address, as the peer sees it.
    pub(super) path_changes: u32,
    pub(super) in_flight_bytes: u64,
    pub(super) probe_timeout: Duration,
    /// Smoothed round trip.
    pub(super) rtt: Duration,
    pub(super) min_rtt: Duration,
    /// Frames on it that are still to be answered.
    pub(super) frames: usize,
}

/// Why frames go another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There was no connection.
    First,
    /// The one before does not answer.
    Suspect,
    /// The one before has changed its address too often, or has rested.
    Worn,
    /// The other uplink is clearly better.
    Worse,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// It has rested for too long.
    Dead,
    /// Another has taken over, and its last frame is done.
    Replaced,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Try to connect over this uplink.
    Attempt { id: Id, uplink: usize },
    /// Stop trying.
    Abandon { id: Id },
    /// Frames go over this connection from now on; `uplink` is its own.
    Use { id: Id, uplink: usize, why: Why },
    /// This connection does not answer any more: its frames are lost, but it is kept.
    Rest { id: Id },
    /// Ping it.
    Ping { id: Id },
    /// End this connection.
    Close { id: Id, why: Closing },
}
