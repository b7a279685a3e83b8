//! A shared segment: one sealed memory with a header that says what lies where, made by one process and opened by
//! others from its descriptor.
//!
//! Opening trusts nothing: size, seals, version, creator and the whole table of parts are checked against a private
//! copy of the header before anything is used, and only that copy is used afterwards.

mod create;
mod error;
mod header;
mod mapping;
mod open;
mod part;

pub use create::Access;
pub use error::SegmentError;
pub use header::{LAYOUT_VERSION, MAX_PARTS};
pub use part::{Kind, Name, Part};

use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use mapping::Mapping;
pub(super) use part::Placed;

use super::identity::ProcessId;

/// A shared segment as this process sees it. Clones are the same mapping, which lives as long as the last of them and
/// of the rings, cells and leases in it.
///
/// ```
/// use rt_core::{memory::arena::HugePages, process::{ring, segment::{Access, Segment}}};
/// let parts = [ring::part::<u64>("service1/up", 8)?];
/// let ours = Segment::create(&parts, Access::ReadWrite, HugePages::Never, false)?;
/// // In another process, from an inherited or received descriptor:
/// let theirs = Segment::open(ours.descriptor().try_clone_to_owned()?)?;
/// let mut up = ring::Producer::<u64>::attach(&ours, "service1/up")?;
/// let mut down = ring::Consumer::<u64>::attach(&theirs, "service1/up")?;
/// up.push(&7)?;
/// assert_eq!(down.pop()?, Some(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Segment {
    mapping: Arc<Mapping>,
    /// A private copy: what another process writes over the table later changes nothing here.
    parts: Arc<[Placed]>,
    creator: ProcessId,
}

impl Segment {
    /// Makes a segment with these parts, mapped, zeroed, sealed against any change of size, and ready.
    ///
    /// # Errors
    /// [`SegmentError`], naming the part that is wrong, or why the memory could not be had.
    pub fn create(
        parts: &[Part],
        access: Access,
        pages: crate::memory::arena::HugePages,
        lock: bool,
    ) -> Result<Self, SegmentError> {
        create::create(parts, access, pages, lock)
    }

    /// Maps the segment behind `memory` for reading and writing, after checking everything in its header.
    ///
    /// # Errors
    /// [`SegmentError`], with what was found and what would be right.
    pub fn open(memory: OwnedFd) -> Result<Self, SegmentError> {
        open::open(memory, Access::ReadWrite)
    }

    /// As [`Segment::open`], but this process can only read: enough for [`super::latest`], and all there is for the
    /// peers of a segment that was made with [`Access::ReadOnly`].
    ///
    /// # Errors
    /// [`SegmentError`], with what was found and what would be right.
    pub fn open_read_only(memory: OwnedFd) -> Result<Self, SegmentError> {
        open::open(memory, Access::ReadOnly)
    }

    /// The memory's descriptor: what another process opens the segment from.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.mapping.descriptor()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mapping.len()
    }

    /// Never true: a segment has a header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mapping.len() == 0
    }

    /// Who made it.
    #[must_use]
    pub const fn creator(&self) -> ProcessId {
        self.creator
    }

    /// What lies in it.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|placed| &placed.part)
    }

    /// One line on what kind of memory it is, for the start-up report.
    #[must_use]
    pub fn report(&self) -> String {
        self.mapping.report()
    }

    /// The part called `name`, for the structure of kind `kind` to live in.
    pub(super) fn region(&self, name: &str, kind: Kind, access: Access) -> Result<Region, SegmentError> {
        let wanted = Name::new(name)?;
        let placed = self.parts.iter().find(|placed| placed.part.name == wanted);
        let placed = placed.ok_or(SegmentError::NoSuchPart { name: wanted, parts: self.parts.len() })?;
        if placed.part.kind != kind {
            return Err(SegmentError::WrongKind { name: wanted, found: placed.part.kind, expected: kind });
        }
        if access == Access::ReadWrite && !self.mapping.writable() {
            return Err(SegmentError::ReadOnly { name: wanted });
        }
        // SAFETY: every placed part was checked to lie inside the mapping.
        let base = unsafe { self.mapping.base().add(placed.offset) };
        let own = create::own_id()?;
        Ok(Region { base, part: placed.part, own, keep: Arc::clone(&self.mapping) })
    }
}

/// One part's memory: `part.bytes` bytes at `base`, aligned as its kind asks, mapped while `keep` lives.
pub(super) struct Region {
    pub(super) base: NonNull<u8>,
    pub(super) part: Part,
    /// This process, which claims its role in the part.
    pub(super) own: ProcessId,
    pub(super) keep: Arc<Mapping>,
}

/// What keeps a structure's memory valid: a region's mapping, or in a model checker its heap.
pub(super) trait Keep: std::fmt::Debug + Send + Sync {}

impl<T: std::fmt::Debug + Send + Sync> Keep for T {}

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
