//! The pool in memory: the owner's claim, one block of words per reader, and the slots.

use std::ptr::NonNull;
use std::sync::Arc;

use super::super::claim::Claim;
use super::super::identity::ProcessId;
use super::super::segment::{Access, Keep, Kind, Name, Segment, SegmentError};
use super::MOST_READERS;
use crate::memory::pool::SLOT_ALIGNMENT_BYTES;
use crate::sync::{AtomicU64, CachePadded};

/// What stands first; all zeros in a new pool.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Control {
    pub(super) owner: CachePadded<Claim>,
    /// Where each reader's ring stood when its present reader attached: see [`super::loans`].
    pub(super) since: [CachePadded<AtomicU64>; MOST_READERS],
}

#[cfg(not(all(test, loom)))]
const CONTROL_BYTES: u64 = size_of::<Control>() as u64;
#[cfg(not(all(test, loom)))]
const _: () = assert!(CONTROL_BYTES == (1 + MOST_READERS as u64) * 128);
#[cfg(test)]
#[cfg(loom)]
const CONTROL_BYTES: u64 = (1 + MOST_READERS as u64) * 128;

/// Bytes of one reader's words, one a slot, on cache lines of their own.
const fn words_bytes(slots: u32) -> u64 {
    (slots as u64 * 8).next_multiple_of(128)
}

const fn slots_offset(slots: u32) -> u64 {
    (CONTROL_BYTES + MOST_READERS as u64 * words_bytes(slots)).next_multiple_of(SLOT_ALIGNMENT_BYTES as u64)
}

/// Bytes from one slot to the next.
const fn stride(slot_bytes: u32) -> u64 {
    (slot_bytes as u64).next_multiple_of(SLOT_ALIGNMENT_BYTES as u64)
}

/// Bytes that a pool takes; `None` for more than can be counted.
pub(super) const fn needed_bytes(slot_bytes: u32, slots: u32) -> Option<u64> {
    match stride(slot_bytes).checked_mul(slots as u64) {
        Some(bytes) => bytes.checked_add(slots_offset(slots)),
        None => None,
    }
}

/// The pool's memory, from either side.
#[derive(Debug)]
pub(super) struct Area {
    base: NonNull<u8>,
    slots: u32,
    slot_bytes: u32,
    name: Name,
    _keep: Arc<dyn Keep>,
}

// SAFETY: the memory is mapped while `_keep` lives. Words are reached through atomics alone; slots' bytes through
// leases, which see to it that nobody reads while the owner writes.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Area {
    /// The pool `name` of `segment`, and this process.
    pub(super) fn of(segment: &Segment, name: &str) -> Result<(Self, ProcessId), SegmentError> {
        let region = segment.region(name, Kind::Frames, Access::ReadWrite)?;
        let part = region.part;
        part.has_room(needed_bytes(part.message_bytes, part.capacity))?;
        let area = Self {
            base: region.base,
            slots: part.capacity,
            slot_bytes: part.message_bytes,
            name: part.name,
            _keep: region.keep,
        };
        Ok((area, region.own))
    }

    pub(super) const fn slots(&self) -> u32 {
        self.slots
    }

    pub(super) const fn slot_bytes(&self) -> u32 {
        self.slot_bytes
    }

    pub(super) const fn name(&self) -> Name {
        self.name
    }

    pub(super) fn control(&self) -> &Control {
        // SAFETY: the part starts with the control block, is aligned to 4096 bytes, was zeroed by its creator, and is
        // mapped while `_keep` lives.
        unsafe { self.base.cast().as_ref() }
    }

    /// The words that reader `reader` gives slots back with.
    pub(super) fn returned(&self, reader: usize) -> &[AtomicU64] {
        let offset = CONTROL_BYTES + reader.min(MOST_READERS - 1) as u64 * words_bytes(self.slots);
        // SAFETY: the part was checked to have room for MOST_READERS blocks of a word a slot after the control block.
        unsafe {
            let words = self.base.add(offset as usize).cast::<AtomicU64>();
            std::slice::from_raw_parts(words.as_ptr(), self.slots as usize)
        }
    }

    /// Where slot `slot` starts; the last slot for one that does not exist.
    pub(super) fn slot(&self, slot: u32) -> NonNull<u8> {
        let offset =
            slots_offset(self.slots) + u64::from(slot.min(self.slots.saturating_sub(1))) * stride(self.slot_bytes);
        // SAFETY: the part was checked to have room for all slots.
        unsafe { self.base.add(offset as usize) }
    }
}

/// Which rings belong to the readers of `pool`, in their order.
pub(super) fn reader_rings(segment: &Segment, pool: Name) -> impl Iterator<Item = Name> {
    segment
        .parts()
        .filter(|part| part.kind() == Kind::Ring)
        .map(super::super::segment::Part::name)
        .filter(move |name| name.as_str().strip_prefix(pool.as_str()).is_some_and(|rest| rest.starts_with('>')))
}
