//! Frames between processes: the bytes stay in their slot, a 64-byte [`Descriptor`] crosses a ring, and the slot comes
//! home when the reader's lease is dropped.
//!
//! One process owns the pool: it fills slots and lends them to at most [`MOST_READERS`] readers, each in a process of
//! its own behind a [`super::ring`]. The owner alone knows which slot is with whom, so it takes back what a killed
//! reader held; a reader that hangs or lies can hold up only the slots that were lent to it, never more at once than its
//! ring's capacity.
//!
//! A slot comes home by one word per reader and slot that the lease sets to the number of the loan. So a lease may be
//! dropped on any thread, coming home can never find a ring full, and neither a late nor a second return is mistaken
//! for a return of the loan after it.

mod area;
mod descriptor;
mod error;
mod lease;
mod lend;
mod loans;
mod read;

pub use descriptor::Descriptor;
pub use error::{BadDescriptor, FramesError, LendError, ReadError};
pub use lease::{ReadLease, WriteLease};
pub use lend::{Lent, Owner};
pub use read::Reader;

use super::ring;
use super::segment::{Kind, Name, Part, SegmentError};

/// The most readers of one pool.
pub const MOST_READERS: usize = 4;

/// The parts of a segment that a pool of `slots` slots of `slot_bytes` bytes takes, and one ring for each of `readers`:
/// its name, and how many slots may be with it at once.
///
/// With at least one slot more than all readers may hold together, no reader can keep the owner from its next frame.
/// The ring of reader `detector` of pool `camera1` is the part `camera1>detector`.
///
/// ```
/// use rt_core::{clock::{Deadline, Monotonic}, frame::{FrameMeta, PixelFormat}, memory::arena::HugePages};
/// use rt_core::process::{frames, segment::{Access, Segment}};
/// let parts = frames::parts("camera1", 3, 64 * 48 * 3, &[("detector", 2)])?;
/// let ours = Segment::create(&parts, Access::ReadWrite, HugePages::Prefer, false)?;
/// // In another process, from an inherited or received descriptor:
/// let theirs = Segment::open(ours.descriptor().try_clone_to_owned()?)?;
/// let mut owner = frames::Owner::attach(&ours, "camera1")?;
/// let mut reader = frames::Reader::attach(&theirs, "camera1", "detector")?;
///
/// let mut lease = owner.acquire().ok_or("three slots are free")?;
/// lease.as_mut()[..5].copy_from_slice(b"frame");
/// let capture = Monotonic::now();
/// let meta = FrameMeta {
///     service: 1, seq: 0, capture, deadline: Deadline::at(capture), width: 64, height: 48,
///     format: PixelFormat::Rgb8, scene: 0,
/// };
/// owner.lend(lease, &meta, 5)?;
/// let frame = reader.next()?.ok_or("one was lent")?;
/// assert_eq!((frame.as_ref(), frame.meta()), (b"frame".as_slice(), meta));
/// drop(frame);
/// assert_eq!(owner.free_slots(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FramesError`] for no readers or too many, and for names, counts and sizes that no segment can have.
pub fn parts(name: &str, slots: usize, slot_bytes: usize, readers: &[(&str, usize)]) -> Result<Vec<Part>, FramesError> {
    let part_name = Name::new(name)?;
    if readers.is_empty() || readers.len() > MOST_READERS {
        return Err(FramesError::Readers { pool: part_name, found: readers.len() });
    }
    let kind = Kind::Frames;
    let most = u32::MAX as usize / 2;
    let Some(count) = u32::try_from(slots).ok().filter(|&count| count > 0 && slots <= ring::MOST_MESSAGES) else {
        let refused = SegmentError::Capacity { name: part_name, kind, capacity: slots, most: ring::MOST_MESSAGES };
        return Err(refused.into());
    };
    let shape = u32::try_from(slot_bytes).ok().filter(|_| (1..=most).contains(&slot_bytes));
    let shape = shape.and_then(|bytes| Some((bytes, area::needed_bytes(bytes, count)?)));
    let refused = SegmentError::MessageBytes { name: part_name, kind, bytes: slot_bytes, most };
    let (message_bytes, bytes) = shape.ok_or(refused)?;
    let message_align = Kind::Frames.align() as u32;
    let mut parts = Vec::with_capacity(1 + readers.len());
    parts.push(Part { name: part_name, kind, capacity: count, message_bytes, message_align, bytes });
    for (reader, in_flight) in readers {
        parts.push(ring::part::<Descriptor>(&ring_name(name, reader), *in_flight)?);
    }
    Ok(parts)
}

/// The name of a reader's ring.
fn ring_name(pool: &str, reader: &str) -> String {
    format!("{pool}>{reader}")
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
