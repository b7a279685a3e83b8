//! A pool of equal slots with one owner; leases are moved values, and a slot comes home when its leases are dropped.
//!
//! The owner (the thread that fills slots) takes a [`WriteLease`], fills it or lets a device fill it, and shares it out
//! as one [`ReadLease`] per reader. A dropped lease raises the flag it alone owns; the owner gathers the flags when it
//! looks for a free slot. So a lease may be dropped on any thread, there is no count that threads contend for, coming
//! home can never find a ring full, and a slot can neither come home twice nor be reused while somebody reads it.

mod error;
mod lease;
mod returns;

use std::ptr::NonNull;

pub use error::{Overfilled, PoolError};
pub use lease::{ReadLease, WriteLease};
use returns::Returns;

use super::arena::{Arena, HugePages};

/// The most readers one slot can be shared out to.
pub const MAX_READERS: usize = 4;

/// Slots start at multiples of this: what `O_DIRECT` reads, dma-buf exports and most DMA engines ask for.
pub const SLOT_ALIGNMENT_BYTES: usize = 4096;

struct Shared {
    base: *mut u8,
    slot_bytes: usize,
    stride_bytes: usize,
    returns: Returns,
    arena: Arena,
}

// SAFETY: `base` points into `arena`, which is mapped for as long as `Shared` lives; which thread may touch which
// slot's bytes follows from the leases: a write lease is unique, read leases give shared access only.
unsafe impl Send for Shared {}
// SAFETY: as above; the flags are atomics.
unsafe impl Sync for Shared {}

impl Shared {
    fn offset_bytes(&self, slot: usize) -> usize {
        slot * self.stride_bytes
    }

    fn slot(&self, slot: usize) -> *mut u8 {
        // SAFETY: every slot number in a lease or region is below the number of slots that fit into the mapping.
        unsafe { self.base.add(self.offset_bytes(slot)) }
    }
}

/// Where a slot lies, for a device that writes into it: an `iovec` to register with io_uring, a V4L2 `USERPTR` buffer,
/// or an offset into the arena's descriptor to export.
///
/// The address stays good for as long as the pool or any of its leases lives; writing there is allowed to whoever
/// holds the slot's [`WriteLease`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRegion {
    /// First byte; a multiple of [`SLOT_ALIGNMENT_BYTES`].
    pub address: NonNull<u8>,
    /// Bytes a device may write.
    pub bytes: usize,
    /// Where the slot starts in the memory of the arena's descriptor.
    pub offset_bytes: usize,
}

/// The owner's end: hands out slots and takes them back.
///
/// A pool is made once and lives as long as its threads. Where it is dropped while leases are out, its memory stays
/// mapped until the process ends, since their holders, or a device, may still use it.
///
/// ```
/// use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(2, 1024, HugePages::Never, false)?;
/// let mut lease = pool.acquire().ok_or("two slots are free")?;
/// lease.as_mut()[..5].copy_from_slice(b"frame");
/// let [encoder, detector] = lease.share(5)?;
/// assert_eq!(encoder.as_ref(), b"frame");
/// drop(encoder);
/// drop(std::thread::spawn(move || drop(detector)).join());
/// assert_eq!(pool.free_slots(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FramePool {
    shared: &'static Shared,
    /// Slots that are home, and known to be. Room for all of them: it never reallocates.
    free: Vec<usize>,
    /// Per slot: handed out and not yet known to be home again.
    lent: Box<[bool]>,
}

impl FramePool {
    /// A pool of `slots` slots of `slot_bytes` each in an arena of its own, mapped and touched.
    ///
    /// # Errors
    /// [`PoolError`], with the numbers asked for.
    pub fn new(slots: usize, slot_bytes: usize, pages: HugePages, lock: bool) -> Result<Self, PoolError> {
        let needed_bytes = needed_bytes(slots, slot_bytes)?;
        Self::within(Arena::map(needed_bytes, pages, lock)?, slots, slot_bytes)
    }

    /// A pool of `slots` slots of `slot_bytes` each, at the start of an arena that is there already.
    ///
    /// # Errors
    /// [`PoolError`], with the numbers asked for and what would fit.
    pub fn within(mut arena: Arena, slots: usize, slot_bytes: usize) -> Result<Self, PoolError> {
        let needed_bytes = needed_bytes(slots, slot_bytes)?;
        let (arena_bytes, stride_bytes) = (arena.len(), (needed_bytes / slots).max(1));
        if needed_bytes > arena_bytes {
            let fitting = arena_bytes / stride_bytes;
            return Err(PoolError::LargerThanArena { slots, slot_bytes, needed_bytes, arena_bytes, fitting });
        }
        let shared = Shared { base: arena.base(), slot_bytes, stride_bytes, returns: Returns::all_home(slots), arena };
        // Leaked so that leases need no reference count; `Drop` takes it back once every slot is home.
        let shared: &'static Shared = Box::leak(Box::new(shared));
        Ok(Self { shared, free: (0..slots).rev().collect(), lent: vec![false; slots].into() })
    }

    /// A free slot to fill; `None` when every slot is still held by somebody. Never waits.
    pub fn acquire(&mut self) -> Option<WriteLease> {
        if self.free.is_empty() {
            self.gather();
        }
        let slot = self.free.pop()?;
        *self.lent.get_mut(slot)? = true;
        self.shared.returns.lend(slot);
        Some(WriteLease { shared: self.shared, slot })
    }

    /// Slots that are free now.
    pub fn free_slots(&mut self) -> usize {
        self.gather();
        self.free.len()
    }

    /// Slots in all.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.lent.len()
    }

    /// Bytes of one slot.
    #[must_use]
    pub fn slot_bytes(&self) -> usize {
        self.shared.slot_bytes
    }

    /// Where every slot lies, in the order of [`WriteLease::index`]: what a driver registers before the first frame.
    ///
    /// ```
    /// use rt_core::memory::{arena::HugePages, pool::{FramePool, SLOT_ALIGNMENT_BYTES}};
    /// let pool = FramePool::new(3, 6_220_800, HugePages::Never, false)?;
    /// let registered: Vec<libc::iovec> = pool
    ///     .regions()
    ///     .map(|region| libc::iovec { iov_base: region.address.as_ptr().cast(), iov_len: region.bytes })
    ///     .collect();
    /// assert_eq!(registered.len(), 3);
    /// assert!(registered.iter().all(|buffer| buffer.iov_base as usize % SLOT_ALIGNMENT_BYTES == 0));
    /// # Ok::<(), rt_core::memory::pool::PoolError>(())
    /// ```
    pub fn regions(&self) -> impl Iterator<Item = SlotRegion> + '_ {
        (0..self.slots()).filter_map(|slot| {
            Some(SlotRegion {
                address: NonNull::new(self.shared.slot(slot))?,
                bytes: self.shared.slot_bytes,
                offset_bytes: self.shared.offset_bytes(slot),
            })
        })
    }

    /// The memory behind the slots: its descriptor is what another process maps and what a device imports.
    #[must_use]
    pub fn arena(&self) -> &Arena {
        &self.shared.arena
    }

    /// Takes home every slot whose leases have all been dropped.
    fn gather(&mut self) {
        for (slot, lent) in self.lent.iter_mut().enumerate() {
            if *lent && self.shared.returns.is_home(slot) {
                *lent = false;
                self.free.push(slot);
            }
        }
    }
}

impl Drop for FramePool {
    fn drop(&mut self) {
        self.gather();
        if self.free.len() == self.lent.len() {
            // SAFETY: the box was leaked in `within` by this pool alone, every lease has been dropped, and the acquire
            // loads in `gather` order their last use before this. With a lease still out the memory stays mapped:
            // its holder, or a device, may still use it.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(self.shared).cast_mut()) });
        }
    }
}

/// Bytes that `slots` slots take, each rounded up to the alignment; saturating, since no machine has as much.
fn needed_bytes(slots: usize, slot_bytes: usize) -> Result<usize, PoolError> {
    if slots == 0 || slot_bytes == 0 {
        return Err(PoolError::Empty { slots, slot_bytes });
    }
    let stride = slot_bytes.checked_next_multiple_of(SLOT_ALIGNMENT_BYTES);
    Ok(stride.and_then(|stride| stride.checked_mul(slots)).unwrap_or(usize::MAX / 2))
}

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
