//! The newest value of something, for any number of processes to read: one writer that never waits, and readers that
//! cannot disturb it, since they need not even be able to write to the memory.
//!
//! Each value goes into the next of [`BUFFERS`] buffers under a sequence lock, and only then becomes the newest. So a
//! writer that is killed in the middle leaves the value before as it was, and a reader has to try again only where the
//! writer published [`BUFFERS`] − 1 more values while it copied one.
//!
//! Sequence lock over relaxed words with fences: H.-J. Boehm, *Can seqlocks get along with programming language memory
//! models?*, MSPC 2012.

mod receive;
mod send;
mod state;

pub use receive::{Newest, Outrun, Reader};
pub use send::Writer;
pub use state::BUFFERS;

use super::claim::Claimed;
use super::segment::{Kind, Name, Part, SegmentError};
use super::words::Message;

/// Why an end could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The segment has no such value.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Another process, or another thread of this one, writes it.
    #[error(transparent)]
    Claimed(#[from] Claimed),
}

/// The part of a segment that the newest value of type `T` takes.
///
/// ```
/// use rt_core::{memory::arena::HugePages, process::{latest, segment::{Access, Segment}}};
/// let parts = [latest::part::<[u32; 3]>("allocation")?];
/// // Nobody but this process can change a byte of it; the kernel sees to that.
/// let ours = Segment::create(&parts, Access::ReadOnly, HugePages::Never, false)?;
/// let theirs = Segment::open_read_only(ours.descriptor().try_clone_to_owned()?)?;
/// let mut writer = latest::Writer::<[u32; 3]>::attach(&ours, "allocation")?;
/// let mut reader = latest::Reader::<[u32; 3]>::attach(&theirs, "allocation")?;
/// assert!(reader.newest()?.is_none());
/// writer.publish(&[1, 2, 3]);
/// writer.publish(&[4, 5, 6]);
/// let newest = reader.newest()?.ok_or("something was published")?;
/// assert_eq!((newest.value, newest.sequence), ([4, 5, 6], 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SegmentError`] for a name that is none, and a `T` of no bytes or more than 2²⁸.
pub fn part<T: Message>(name: &str) -> Result<Part, SegmentError> {
    let name = Name::new(name)?;
    let (bytes, most) = (size_of::<T>(), 1 << 28);
    if bytes == 0 || bytes > most {
        return Err(SegmentError::MessageBytes { name, kind: Kind::Latest, bytes, most });
    }
    Ok(Part {
        name,
        kind: Kind::Latest,
        capacity: BUFFERS as u32,
        message_bytes: bytes as u32,
        message_align: align_of::<T>() as u32,
        bytes: state::needed_bytes(bytes),
    })
}

#[cfg(all(test, loom))]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
