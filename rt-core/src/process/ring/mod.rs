//! A bounded ring from one process to another (or between threads), in a segment: one producer, one consumer, no lock,
//! and a system call only where one end sleeps.
//!
//! Each end trusts its own index alone and checks the other's, so a broken or hostile peer can garble messages but
//! never make this end touch memory outside the ring. Messages are committed by one atomic step: of a producer that is
//! killed, everything committed arrives, in order, and nothing half-written is ever seen.
//!
//! [`Consumer::pop`] delivers a message **at most once**: one that a consumer took before it was killed is gone.
//! [`Consumer::peek`] and [`Consumer::discard`] deliver **at least once**: what was looked at but not discarded is
//! delivered to the consumer that comes next.
//!
//! ```
//! use std::time::Duration;
//! use rt_core::{clock::Monotonic, memory::arena::HugePages};
//! use rt_core::process::{ring::{self, WaitError}, segment::{Access, Segment}};
//! let segment = Segment::create(&[ring::part::<u64>("up", 4)?], Access::ReadWrite, HugePages::Never, false)?;
//! let mut consumer = ring::Consumer::<u64>::attach(&segment, "up")?;
//! let peer = std::thread::spawn(move || -> Result<(), ring::AttachError> {
//!     let mut producer = ring::Producer::<u64>::attach(&segment, "up")?;
//!     let pushed = producer.push_slice(&[1, 2, 3])?;
//!     assert_eq!(pushed, 3);
//!     Ok(())
//! });
//! let until = Monotonic::now().plus(Duration::from_secs(60));
//! for value in 1..=3 {
//!     assert_eq!(consumer.pop_until(until)?, value);
//! }
//! // The producer was dropped: everything it committed came first.
//! assert!(matches!(consumer.pop_until(until), Err(WaitError::PeerLeft { .. })));
//! # peer.join().map_err(|_| "the producer panicked")??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attachment;
mod error;
mod pop;
mod push;
mod receive;
mod send;
mod state;
mod wait;

pub(super) use attachment::Attachment;
pub use error::{AttachError, Corrupt, PushError, WaitError};
pub use receive::Consumer;
pub use send::Producer;
pub use wait::Pace;

use super::segment::{Kind, Name, Part, SegmentError};
use super::words::Message;

/// The most messages a ring can hold.
pub const MOST_MESSAGES: usize = 1 << 30;

/// The part of a segment that a ring of `capacity` messages `T` takes: how far the producer may run ahead.
///
/// # Errors
/// [`SegmentError`] for a name that is none, a capacity of 0 or more than [`MOST_MESSAGES`], and a `T` of no bytes or
/// more than 2³¹.
pub fn part<T: Message>(name: &str, capacity: usize) -> Result<Part, SegmentError> {
    let name = Name::new(name)?;
    let (bytes, most) = (size_of::<T>(), i32::MAX as usize);
    if bytes == 0 || bytes > most {
        return Err(SegmentError::MessageBytes { name, kind: Kind::Ring, bytes, most });
    }
    let refused = SegmentError::Capacity { name, kind: Kind::Ring, capacity, most: MOST_MESSAGES };
    let Some(count) = u32::try_from(capacity).ok().filter(|_| (1..=MOST_MESSAGES).contains(&capacity)) else {
        return Err(refused);
    };
    let Some(needed) = state::needed_bytes(bytes, count) else { return Err(refused) };
    Ok(Part {
        name,
        kind: Kind::Ring,
        capacity: count,
        message_bytes: bytes as u32,
        message_align: align_of::<T>() as u32,
        bytes: needed,
    })
}

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
