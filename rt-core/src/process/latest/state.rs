//! The cell in memory: which value is the newest, who writes, and the buffers.

use std::ptr::NonNull;
use std::sync::Arc;

use super::super::claim::Claim;
use super::super::identity::ProcessId;
use super::super::segment::{Access, Keep, Kind, Name, Segment, SegmentError};
use super::super::words::{self, Message, words_of};
use crate::sync::{AtomicU64, CachePadded, Ordering, fence};

/// Buffers that values go into by turns. Two would do against a killed writer; four let a reader copy one value while
/// three more are published.
pub const BUFFERS: usize = 4;

/// What stands before the buffers; all zeros before the first value.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Control {
    /// Sequence number of the newest value, from 1.
    pub(super) newest: CachePadded<AtomicU64>,
    pub(super) writer: CachePadded<Claim>,
}

#[cfg(not(all(test, loom)))]
const CONTROL_BYTES: usize = size_of::<Control>();
#[cfg(not(all(test, loom)))]
const _: () = assert!(CONTROL_BYTES == 2 * 128);
#[cfg(test)]
#[cfg(loom)]
const CONTROL_BYTES: usize = 2 * 128;

/// Words of one buffer: its version, the value, and room up to the next cache lines.
pub(super) const fn buffer_words(value_bytes: usize) -> usize {
    (1 + words_of(value_bytes)).next_multiple_of(16)
}

pub(super) const fn needed_bytes(value_bytes: usize) -> u64 {
    (CONTROL_BYTES + BUFFERS * buffer_words(value_bytes) * 8) as u64
}

/// The cell's memory, from either end.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    control: NonNull<Control>,
    words: NonNull<AtomicU64>,
    buffer_words: usize,
    pub(super) name: Name,
    _keep: Arc<dyn Keep>,
}

// SAFETY: the memory is mapped while `_keep` lives and is reached through atomics alone.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// The cell `name` of `segment`, where it holds a `T`, and this process.
    pub(super) fn of<T: Message>(
        segment: &Segment,
        name: &str,
        access: Access,
    ) -> Result<(Self, ProcessId), SegmentError> {
        let region = segment.region(name, Kind::Latest, access)?;
        region.part.holds::<T>(Some(needed_bytes(size_of::<T>())))?;
        // SAFETY: the part is at least as long as the cell needs, which is at least its control block.
        let words = unsafe { region.base.add(CONTROL_BYTES) }.cast();
        // SAFETY: the region is aligned to 128 bytes, zeroed by its creator, long enough and mapped while `keep` lives;
        // a read-only mapping is only given to readers, which only load.
        let memory = unsafe { Self::new(region.base.cast(), words, size_of::<T>(), region.part.name, region.keep) };
        Ok((memory, region.own))
    }

    /// # Safety
    /// While `keep` lives, `control` and the words of [`BUFFERS`] buffers are valid for atomic loads, and for stores
    /// where [`Memory::publish`] is called.
    pub(super) unsafe fn new(
        control: NonNull<Control>,
        words: NonNull<AtomicU64>,
        value_bytes: usize,
        name: Name,
        keep: Arc<dyn Keep>,
    ) -> Self {
        Self { control, words, buffer_words: buffer_words(value_bytes), name, _keep: keep }
    }

    pub(super) fn control(&self) -> &Control {
        // SAFETY: see `new`.
        unsafe { self.control.as_ref() }
    }

    /// Version and value of the buffer that the value `sequence` goes into.
    fn buffer(&self, sequence: u64) -> Option<(&AtomicU64, &[AtomicU64])> {
        let buffer = (sequence % BUFFERS as u64) as usize;
        let start = self.words.as_ptr().wrapping_add(buffer * self.buffer_words);
        // SAFETY: `buffer` is below BUFFERS, so the words lie inside the cell (see `new`).
        unsafe { std::slice::from_raw_parts(start, self.buffer_words) }.split_first()
    }

    /// Makes `value` the newest, as number `sequence`. A writer that stops anywhere in here has published nothing.
    pub(super) fn publish<T: Message>(&self, sequence: u64, value: &T) {
        if let Some((version, words)) = self.buffer(sequence) {
            version.store(2 * sequence - 1, Ordering::Relaxed);
            // A reader that sees any of the new words sees the odd version too, at its second look.
            fence(Ordering::Release);
            words::store(words, value);
            version.store(2 * sequence, Ordering::Release);
            self.control().newest.store(sequence, Ordering::Release);
        }
    }

    /// The newest value and its number, in one try; `Some(None)` before the first, `None` where the writer overtook.
    pub(super) fn try_newest<T: Message>(&self) -> Option<Option<(u64, T)>> {
        let sequence = self.control().newest.load(Ordering::Acquire);
        if sequence == 0 {
            return Some(None);
        }
        let (version, words) = self.buffer(sequence)?;
        let complete = sequence.wrapping_mul(2);
        if version.load(Ordering::Acquire) != complete {
            return None;
        }
        let value = words::load(words);
        // The words before the second look at the version; pairs with the fence in `publish`.
        fence(Ordering::Acquire);
        (version.load(Ordering::Relaxed) == complete).then_some(Some((sequence, value)))
    }
}
