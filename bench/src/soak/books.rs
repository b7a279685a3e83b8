//! Double-entry bookkeeping of a hop: the sender enters what it sent and what it got back as lost, the receiver what
//! arrived; at the end both must agree on exactly the same descriptors.

use serde::Serialize;

use super::descriptor::Descriptor;
use super::random::mix;

/// What must never happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A number that has arrived before, or after a later one.
    #[error("{hop}: descriptor {seq} arrived after {last}: it is a duplicate, or the order was not kept")]
    Again {
        /// The hop.
        hop: String,
        /// What arrived.
        seq: u64,
        /// What had arrived before.
        last: u64,
    },
    /// A checksum that does not fit.
    #[error("{hop}: descriptor {seq} arrived damaged")]
    Damaged {
        /// The hop.
        hop: String,
        /// What it says its number is.
        seq: u64,
    },
    /// Bytes that are not those of the descriptor that led to them.
    #[error("{hop}: the bytes of descriptor {seq} {what}")]
    Bytes {
        /// The hop.
        hop: String,
        /// The descriptor's number.
        seq: u64,
        /// What is wrong with them.
        what: String,
    },
    /// Sent, not counted as lost, not arrived; or the other way round.
    #[error(
        "{hop}: {sent} descriptors were sent, {lost} of them counted as lost, and {received} arrived; \
         {} are unaccounted for (0: others than were sent)",
        sent.abs_diff(lost + received)
    )]
    Unbalanced {
        /// The hop.
        hop: String,
        /// Sent.
        sent: u64,
        /// Counted as lost.
        lost: u64,
        /// Arrived.
        received: u64,
    },
    /// More was lost than the faults explain.
    #[error("{hop}: {lost} descriptors were lost between {last} and {seq} though nobody was killed in between")]
    LostUnkilled {
        /// The hop.
        hop: String,
        /// How many.
        lost: u64,
        /// The last before.
        last: u64,
        /// The first after.
        seq: u64,
    },
    /// Slots that never came home.
    #[error("{pool}: {home} of {slots} slots are home after every lease was dropped")]
    Away {
        /// The pool.
        pool: String,
        /// Slots that are home.
        home: usize,
        /// All slots.
        slots: usize,
    },
    /// Something that grew.
    #[error("{what} grew from {first} to {last}; at most {allowed} more is allowed")]
    Grew {
        /// What.
        what: &'static str,
        /// Median of the first quarter.
        first: u64,
        /// Median of the last quarter.
        last: u64,
        /// How much more the last may be.
        allowed: u64,
    },
    /// Nothing happened, which proves nothing.
    #[error("{0}")]
    Idle(String),
    /// A part of the soak itself failed.
    #[error("{part}: {reason}")]
    Part {
        /// Which.
        part: String,
        /// Why.
        reason: String,
    },
}

/// A set of descriptors, as their number and a sum of well-mixed sequence numbers: two different sets of one size have
/// one sum with probability 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    #[serde(skip)]
    sum: u64,
}

impl Tally {
    /// Enters one.
    pub const fn enter(&mut self, seq: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(mix(seq));
    }

    const fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum.wrapping_add(other.sum) }
    }
}

/// The sender's book.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Everything that was handed over.
    pub sent: Tally,
    /// What came back as overtaken or refused.
    pub lost: Tally,
}

/// The receiver's book.
#[derive(Clone, Debug)]
pub struct Received {
    hop: String,
    /// Everything that arrived.
    pub received: Tally,
    last: Option<u64>,
}

impl Received {
    /// An empty book of `hop`.
    #[must_use]
    pub fn new(hop: &str) -> Self {
        Self { hop: hop.to_owned(), received: Tally::default(), last: None }
    }

    /// Enters an arrival.
    ///
    /// # Errors
    /// [`Violation::Damaged`] and [`Violation::Again`].
    pub fn enter(&mut self, descriptor: &Descriptor) -> Result<(), Violation> {
        let seq = descriptor.seq;
        if !descriptor.intact() {
            return Err(Violation::Damaged { hop: self.hop.clone(), seq });
        }
        if let Some(last) = self.last.filter(|&last| seq <= last) {
            return Err(Violation::Again { hop: self.hop.clone(), seq, last });
        }
        self.last = Some(seq);
        self.received.enter(seq);
        Ok(())
    }

    /// The hop's name.
    #[must_use]
    pub fn hop(&self) -> &str {
        &self.hop
    }
}

/// Compares both books once everything has arrived.
///
/// # Errors
/// [`Violation::Unbalanced`].
pub fn settle(sent: &Sent, received: &Received) -> Result<(), Violation> {
    if sent.sent == sent.lost.plus(received.received) {
        return Ok(());
    }
    Err(Violation::Unbalanced {
        hop: received.hop.clone(),
        sent: sent.sent.count,
        lost: sent.lost.count,
        received: received.received.count,
    })
}

#[cfg(test)]
mod tests;
