//! A pool of equal slots with one owner; leases are moved values, and a slot comes home when its leases are dropped.
//!
//! The owner (the thread that fills slots) takes a [`WriteLease`], fills it, and shares it out as one [`ReadLease`]
//! per reader. A dropped lease raises the flag it alone owns; the owner gathers the flags when it looks for a free
//! slot. So a lease may be dropped on any thread, there is no count that threads contend for, coming home can never
//! find a ring full, and a slot can neither come home twice nor be reused while somebody reads it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::arena::{Arena, ArenaError, HugePages};

/// The most readers one slot can be shared out to.
pub const MAX_READERS: usize = 4;

/// Slots start at multiples of this: what `O_DIRECT` reads and most DMA engines ask for.
pub const SLOT_ALIGNMENT_BYTES: usize = 4096;

/// Why a pool could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No slots, or slots of no bytes.
    #[error("a pool of {slots} slots of {slot_bytes} bytes was asked for; both must be at least 1")]
    Empty {
        /// Slots asked for.
        slots: usize,
        /// Bytes per slot asked for.
        slot_bytes: usize,
    },
    /// The arena could not be had.
    #[error(transparent)]
    Arena(#[from] ArenaError),
}

struct Shared {
    base: *mut u8,
    slot_bytes: usize,
    stride: usize,
    /// `returned[slot][reader]`: raised by the lease that was dropped, lowered by the owner.
    returned: Box<[[AtomicBool; MAX_READERS]]>,
    arena: Arena,
}

// SAFETY: `base` points into `arena`, which is mapped for as long as `Shared` lives; which thread may touch which
// slot's bytes follows from the leases: a write lease is unique, read leases give shared access only.
unsafe impl Send for Shared {}
// SAFETY: as above; the flags are atomics.
unsafe impl Sync for Shared {}

impl Shared {
    fn raise(&self, slot: usize, reader: usize) {
        if let Some(flag) = self.returned.get(slot).and_then(|flags| flags.get(reader)) {
            // Release: what the reader did with the bytes happens before the owner's reuse.
            flag.store(true, Ordering::Release);
        }
    }
}

/// The owner's end: hands out slots and takes them back.
///
/// ```
/// use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(2, 1024, HugePages::Never, false)?;
/// let mut lease = pool.acquire().ok_or("two slots are free")?;
/// lease.as_mut()[..5].copy_from_slice(b"frame");
/// let [encoder, detector] = pool.share(lease, 5);
/// assert_eq!(encoder.as_ref(), b"frame");
/// drop(encoder);
/// drop(std::thread::spawn(move || drop(detector)).join());
/// assert_eq!(pool.free_slots(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FramePool {
    shared: &'static Shared,
    free: Vec<usize>,
    /// Leases of each slot that are out; 0 for a free slot.
    out: Box<[usize]>,
}

impl FramePool {
    /// A pool of `slots` slots of `slot_bytes` each, mapped and touched.
    ///
    /// # Errors
    /// [`PoolError`], with the numbers asked for.
    pub fn new(slots: usize, slot_bytes: usize, pages: HugePages, lock: bool) -> Result<Self, PoolError> {
        if slots == 0 || slot_bytes == 0 {
            return Err(PoolError::Empty { slots, slot_bytes });
        }
        let stride = slot_bytes.checked_next_multiple_of(SLOT_ALIGNMENT_BYTES);
        let bytes = stride.and_then(|stride| stride.checked_mul(slots)).unwrap_or(usize::MAX / 2);
        let mut arena = Arena::map(bytes, pages, lock)?;
        let shared = Shared {
            base: arena.base(),
            slot_bytes,
            stride: stride.unwrap_or(slot_bytes),
            returned: (0..slots).map(|_| std::array::from_fn(|_| AtomicBool::new(false))).collect(),
            arena,
        };
        // Leaked so that leases need no reference count; `Drop` takes it back once every slot is home.
        let shared: &'static Shared = Box::leak(Box::new(shared));
        Ok(Self { shared, free: (0..slots).rev().collect(), out: vec![0; slots].into() })
    }

    /// A free slot to fill; `None` when every slot is still held by somebody. Never waits.
    pub fn acquire(&mut self) -> Option<WriteLease> {
        if self.free.is_empty() {
            self.gather();
        }
        let slot = self.free.pop()?;
        *self.out.get_mut(slot)? = 1;
        Some(WriteLease { shared: self.shared, slot })
    }

    /// Turns a filled slot into `N` (≤ [`MAX_READERS`], checked when compiled) read leases of its first
    /// `filled_bytes`.
    pub fn share<const N: usize>(&mut self, lease: WriteLease, filled_bytes: usize) -> [ReadLease; N] {
        const { assert!(N >= 1 && N <= MAX_READERS, "a slot has 1 to MAX_READERS readers") };
        debug_assert!(std::ptr::eq(lease.shared, self.shared), "the lease belongs to another pool");
        let len = filled_bytes.min(lease.shared.slot_bytes);
        let lease = std::mem::ManuallyDrop::new(lease);
        if let Some(out) = self.out.get_mut(lease.slot) {
            *out = N;
        }
        std::array::from_fn(|reader| ReadLease { shared: lease.shared, slot: lease.slot, reader, len })
    }

    /// Slots that are free now.
    pub fn free_slots(&mut self) -> usize {
        self.gather();
        self.free.len()
    }

    /// Bytes of one slot.
    #[must_use]
    pub fn slot_bytes(&self) -> usize {
        self.shared.slot_bytes
    }

    /// The memory behind the slots, for reports and for drivers that register it.
    #[must_use]
    pub fn arena(&self) -> &Arena {
        &self.shared.arena
    }

    /// Takes home every slot whose leases have all been dropped. `free` has room for all: it never reallocates.
    fn gather(&mut self) {
        for (slot, (out, flags)) in self.out.iter_mut().zip(&self.shared.returned).enumerate() {
            let expected = flags.get(..*out).unwrap_or_default();
            if !expected.is_empty() && expected.iter().all(|flag| flag.load(Ordering::Acquire)) {
                for flag in expected {
                    flag.store(false, Ordering::Relaxed);
                }
                *out = 0;
                self.free.push(slot);
            }
        }
    }
}

impl Drop for FramePool {
    fn drop(&mut self) {
        self.gather();
        if self.free.len() == self.out.len() {
            // SAFETY: the box was leaked in `new` by this pool alone, every lease has been dropped, and the acquire
            // loads in `gather` order their last use before this. With a lease still out the memory stays mapped:
            // its holder, or a device, may still use it.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(self.shared).cast_mut()) });
        }
    }
}

/// The right to fill one slot.
pub struct WriteLease {
    shared: &'static Shared,
    slot: usize,
}

impl AsMut<[u8]> for WriteLease {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: the slot lies inside the mapping, and while a write lease exists it is the only lease of the slot.
        unsafe {
            std::slice::from_raw_parts_mut(self.shared.base.add(self.slot * self.shared.stride), self.shared.slot_bytes)
        }
    }
}

impl Drop for WriteLease {
    fn drop(&mut self) {
        self.shared.raise(self.slot, 0);
    }
}

/// The right to read one slot; dropping it, on any thread, sends the slot home.
///
/// Using a lease after it was sent does not compile:
/// ```compile_fail,E0382
/// # use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(1, 16, HugePages::Never, false).unwrap();
/// let lease = pool.acquire().unwrap();
/// let [reader] = pool.share::<1>(lease, 16);
/// let (mut mailbox, _receiver) = rt_core::mailbox::mailbox();
/// mailbox.put(reader);
/// reader.as_ref(); // moved away
/// ```
/// and neither does writing to a slot that has been shared out:
/// ```compile_fail,E0382
/// # use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(1, 16, HugePages::Never, false).unwrap();
/// let mut lease = pool.acquire().unwrap();
/// let [reader] = pool.share::<1>(lease, 16);
/// lease.as_mut();
/// ```
pub struct ReadLease {
    shared: &'static Shared,
    slot: usize,
    reader: usize,
    len: usize,
}

impl AsRef<[u8]> for ReadLease {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the slot lies inside the mapping and `len` within the slot; while read leases exist nobody writes.
        unsafe { std::slice::from_raw_parts(self.shared.base.add(self.slot * self.shared.stride), self.len) }
    }
}

impl Drop for ReadLease {
    fn drop(&mut self) {
        self.shared.raise(self.slot, self.reader);
    }
}

#[cfg(test)]
mod tests;
