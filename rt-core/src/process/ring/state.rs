//! The ring in memory: two index words on cache lines of their own, the claims of both ends, and the slots.
//!
//! An index word is the count of messages, wrapping, above one bit that the *other* end sets before it sleeps on the
//! word: "has it moved?" and "does somebody sleep?" are one question, so that no wake-up can be lost and no fence is
//! needed besides the step that commits.

use std::ptr::NonNull;
use std::sync::Arc;

use super::super::claim::{Claim, Role};
use super::super::identity::ProcessId;
use super::super::segment::{Access, Keep, Kind, Name, Segment, SegmentError};
use super::super::words::{Message, words_of};
use super::error::Corrupt;
use crate::clock::Monotonic;
use crate::sync::{AtomicU64, CachePadded, Futex, Ordering, Reach};

/// Set in an index word by the end that waits for it to move.
const SLEEPING: u32 = 1;
/// One message, in an index word.
pub(super) const ONE: u32 = 2;

/// What stands before the slots; all zeros for an empty ring.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Control {
    /// Messages committed; moved by the producer alone.
    pub(super) tail: CachePadded<Index>,
    /// Messages taken; moved by the consumer alone.
    pub(super) head: CachePadded<Index>,
    pub(super) producer: CachePadded<Claim>,
    pub(super) consumer: CachePadded<Claim>,
}

#[cfg(not(all(test, loom)))]
const CONTROL_BYTES: usize = size_of::<Control>();
#[cfg(not(all(test, loom)))]
const _: () = assert!(CONTROL_BYTES == 4 * 128);
#[cfg(all(test, loom))]
const CONTROL_BYTES: usize = 4 * 128;

/// One index word.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Index(pub(super) Futex);

impl Index {
    /// Where it is; Acquire, so that what was done before it moved there is seen.
    #[inline]
    pub(super) fn load(&self) -> u32 {
        self.0.word().load(Ordering::Acquire) & !SLEEPING
    }

    /// Moves it to `next`, wakes who sleeps on it, and tells where it was.
    #[inline]
    pub(super) fn commit(&self, next: u32) -> u32 {
        // Release: the slots' bytes before the index. A swap and not a store, since the other end sets its bit there.
        let before = self.0.word().swap(next, Ordering::Release);
        if before & SLEEPING != 0 {
            self.wake();
        }
        before & !SLEEPING
    }

    /// Wakes who sleeps on it without moving it: its mover has released its claim and will move it no more.
    pub(super) fn leave(&self) {
        // Release: the claim before the bit, for `sleep` to see.
        self.0.word().fetch_and(!SLEEPING, Ordering::Release);
        self.wake();
    }

    #[cold]
    fn wake(&self) {
        self.0.wake_all(Reach::Shared);
    }

    /// Sleeps while it is at `seen` and its mover, who holds `claim`, has not left, until `until`; may return early for
    /// no reason.
    pub(super) fn sleep(&self, seen: u32, claim: &Claim, until: Monotonic) {
        // A commit before this step is seen here; a commit after it sees SLEEPING and wakes. Leaving likewise, so the
        // claim is looked at only once SLEEPING is set.
        let before = self.0.word().fetch_or(SLEEPING, Ordering::Acquire) & !SLEEPING;
        if before == seen && !claim.was_left() {
            self.0.wait(seen | SLEEPING, until, Reach::Shared);
        }
        if self.0.word().load(Ordering::Relaxed) & SLEEPING != 0 {
            self.0.word().fetch_and(!SLEEPING, Ordering::Relaxed);
        }
    }
}

/// Bytes that a ring takes; `None` for more than can be counted.
pub(super) const fn needed_bytes(message_bytes: usize, capacity: u32) -> Option<u64> {
    let Some(slots) = capacity.checked_next_power_of_two() else { return None };
    let Some(bytes) = (words_of(message_bytes) as u64 * 8).checked_mul(slots as u64) else { return None };
    bytes.checked_add(CONTROL_BYTES as u64)
}

/// The ring's memory, from either end.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    control: NonNull<Control>,
    words: NonNull<AtomicU64>,
    slot_words: usize,
    /// Slots − 1; their number is a power of two, so that every index, whatever it is, names one of them.
    mask: u32,
    /// The capacity, as a distance of index words.
    limit: u32,
    pub(super) ring: Name,
    _keep: Arc<dyn Keep>,
}

// SAFETY: the memory is mapped while `_keep` lives and is reached through atomics alone.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// The ring `name` of `segment`, where it carries `T`s, and this process.
    pub(super) fn of<T: Message>(segment: &Segment, name: &str) -> Result<(Self, ProcessId), SegmentError> {
        let region = segment.region(name, Kind::Ring, Access::ReadWrite)?;
        region.part.holds::<T>(needed_bytes(size_of::<T>(), region.part.capacity))?;
        let control = region.base.cast();
        // SAFETY: the part is at least as long as the ring needs, which is at least its control block.
        let words = unsafe { region.base.add(CONTROL_BYTES) }.cast();
        let keep: Arc<dyn Keep> = region.keep;
        // SAFETY: the region is aligned to 128 bytes, zeroed by its creator, mapped while `keep` lives, and long enough.
        let memory = unsafe { Self::new(control, words, size_of::<T>(), region.part.capacity, region.part.name, keep) };
        Ok((memory, region.own))
    }

    /// # Safety
    /// While `keep` lives, `control` and the words of `capacity.next_power_of_two()` slots are valid for atomics.
    pub(super) unsafe fn new(
        control: NonNull<Control>,
        words: NonNull<AtomicU64>,
        message_bytes: usize,
        capacity: u32,
        ring: Name,
        keep: Arc<dyn Keep>,
    ) -> Self {
        let mask = capacity.checked_next_power_of_two().unwrap_or(1) - 1;
        let limit = capacity.saturating_mul(ONE);
        Self { control, words, slot_words: words_of(message_bytes), mask, limit, ring, _keep: keep }
    }

    #[inline]
    pub(super) fn control(&self) -> &Control {
        // SAFETY: see `new`.
        unsafe { self.control.as_ref() }
    }

    /// The slot of the message at `index`.
    #[inline]
    pub(super) fn slot(&self, index: u32) -> &[AtomicU64] {
        let slot = ((index / ONE) & self.mask) as usize;
        // SAFETY: `slot` is at most `mask`, so the words lie inside the ring (see `new`).
        unsafe { std::slice::from_raw_parts(self.words.add(slot * self.slot_words).as_ptr(), self.slot_words) }
    }

    /// The capacity, as a distance of index words.
    #[inline]
    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) const fn capacity(&self) -> u32 {
        self.limit / ONE
    }

    #[cold]
    pub(super) const fn corrupt(&self, role: Role, tail: u32, head: u32, own: u32) -> Corrupt {
        let capacity = self.capacity();
        Corrupt { ring: self.ring, role, tail: tail / ONE, head: head / ONE, own: own / ONE, capacity }
    }
}
