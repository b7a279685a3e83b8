//! The two leases: the one that may fill a slot, and the ones that may read it.

use std::mem::ManuallyDrop;

use super::error::Overfilled;
use super::{MAX_READERS, Shared};

/// The right to fill one slot, by the holder's hands or by a device that was told of the slot.
///
/// A device that writes by itself (a camera's DMA, an io_uring read) needs the lease to be held for as long as it may
/// write: what it is told of the slot ([`WriteLease::index`], [`WriteLease::offset_bytes`], [`AsMut`]) stays true until
/// the lease ends.
pub struct WriteLease {
    pub(super) shared: &'static Shared,
    pub(super) slot: usize,
}

impl WriteLease {
    /// Which of the pool's slots this is, in the order of [`FramePool::regions`](super::FramePool::regions): the index
    /// of a registered buffer.
    #[must_use]
    pub fn index(&self) -> usize {
        self.slot
    }

    /// Where the slot starts in the memory of the arena's descriptor.
    #[must_use]
    pub fn offset_bytes(&self) -> usize {
        self.shared.offset_bytes(self.slot)
    }

    /// Turns a filled slot into `N` (1 to [`MAX_READERS`], checked when compiled) read leases of its first
    /// `filled_bytes`.
    ///
    /// # Errors
    /// [`Overfilled`], where the slot has fewer bytes than that.
    pub fn share<const N: usize>(self, filled_bytes: usize) -> Result<[ReadLease; N], Overfilled> {
        const { assert!(N >= 1 && N <= MAX_READERS, "a slot has 1 to MAX_READERS readers") };
        let slot_bytes = self.shared.slot_bytes;
        if filled_bytes > slot_bytes {
            return Err(Overfilled { filled_bytes, slot_bytes });
        }
        // Its flags become the readers'.
        let lease = ManuallyDrop::new(self);
        lease.shared.returns.raise_from(lease.slot, N);
        Ok(std::array::from_fn(|reader| ReadLease {
            shared: lease.shared,
            slot: lease.slot,
            reader,
            len: filled_bytes,
        }))
    }
}

impl AsMut<[u8]> for WriteLease {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: the slot lies inside the mapping, and while a write lease exists it is the only lease of the slot.
        unsafe { std::slice::from_raw_parts_mut(self.shared.slot(self.slot), self.shared.slot_bytes) }
    }
}

impl Drop for WriteLease {
    fn drop(&mut self) {
        self.shared.returns.raise_from(self.slot, 0);
    }
}

/// The right to read one slot; dropping it, on any thread, sends the slot home.
///
/// Using a lease after it was sent does not compile:
/// ```compile_fail,E0382
/// # use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(1, 16, HugePages::Never, false).unwrap();
/// let [reader] = pool.acquire().unwrap().share::<1>(16).unwrap();
/// let (mut mailbox, _receiver) = rt_core::mailbox::mailbox();
/// mailbox.put(reader);
/// reader.as_ref(); // moved away
/// ```
/// neither does writing to a slot that has been shared out:
/// ```compile_fail,E0382
/// # use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(1, 16, HugePages::Never, false).unwrap();
/// let mut lease = pool.acquire().unwrap();
/// let [reader] = lease.share::<1>(16).unwrap();
/// lease.as_mut(); // moved away
/// ```
/// nor copying a lease, so that its slot could come home twice:
/// ```compile_fail,E0599
/// # use rt_core::memory::{arena::HugePages, pool::FramePool};
/// let mut pool = FramePool::new(1, 16, HugePages::Never, false).unwrap();
/// let [reader] = pool.acquire().unwrap().share::<1>(16).unwrap();
/// let second = reader.clone();
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
        unsafe { std::slice::from_raw_parts(self.shared.slot(self.slot), self.len) }
    }
}

impl Drop for ReadLease {
    fn drop(&mut self) {
        self.shared.returns.raise(self.slot, self.reader);
    }
}
