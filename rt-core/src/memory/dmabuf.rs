//! A slot as a dma-buf: what a V4L2 camera (`V4L2_MEMORY_DMABUF`), a GPU or a video encoder imports to reach the slot
//! without a copy.
//!
//! The kernel's udmabuf driver turns pages of a sealed memfd into a dma-buf; the arena is one. Where the driver is
//! absent, V4L2's `USERPTR` with the slot's address does the same for cameras.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::pool::{FramePool, SLOT_ALIGNMENT_BYTES};

/// The driver's device node.
const DEVICE: &str = "/dev/udmabuf";

/// `UDMABUF_FLAGS_CLOEXEC` of `linux/udmabuf.h`.
const CLOSE_ON_EXEC: u32 = 1;

/// `struct udmabuf_create` of `linux/udmabuf.h`.
#[repr(C)]
struct Create {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

/// `UDMABUF_CREATE` of `linux/udmabuf.h`.
const CREATE: libc::Ioctl = nix::request_code_write!(b'u', 0x42, size_of::<Create>());

/// Why a slot could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum DmabufError {
    /// The kernel has no udmabuf driver, or this user may not open it.
    #[error(
        "{DEVICE} cannot be opened: {0}; load the udmabuf module and give this user access, or use USERPTR buffers"
    )]
    NoDriver(std::io::Error),
    /// There is no such slot.
    #[error("slot {slot} was asked for of a pool that has {slots}, numbered from 0")]
    NoSuchSlot {
        /// What was asked for.
        slot: usize,
        /// How many there are.
        slots: usize,
    },
    /// The kernel refuses.
    #[error("slot {slot} ({bytes} bytes at {offset_bytes}) cannot be exported: {source}")]
    Refused {
        /// The slot.
        slot: usize,
        /// Its bytes, rounded up to whole pages.
        bytes: usize,
        /// Where it starts in the memfd.
        offset_bytes: usize,
        /// The kernel's answer.
        source: std::io::Error,
    },
}

/// Exports one slot of `pool`; the descriptor keeps the memory alive, not the lease. As with
/// [`FramePool::regions`], a device may write through it only while the slot's write lease is held for it.
///
/// ```
/// use rt_core::memory::{arena::HugePages, dmabuf, pool::FramePool};
/// let pool = FramePool::new(2, 4096, HugePages::Prefer, false)?;
/// match dmabuf::export(&pool, 0) {
///     Ok(buffer) => println!("a camera may import {buffer:?}"),
///     Err(reason) => println!("{reason}"),
/// }
/// # Ok::<(), rt_core::memory::pool::PoolError>(())
/// ```
///
/// # Errors
/// [`DmabufError`], with what is missing or the kernel's answer.
pub fn export(pool: &FramePool, slot: usize) -> Result<OwnedFd, DmabufError> {
    let slots = pool.slots();
    let region = pool.regions().nth(slot).ok_or(DmabufError::NoSuchSlot { slot, slots })?;
    let driver = File::options().read(true).write(true).open(DEVICE).map_err(DmabufError::NoDriver)?;
    let bytes = region.bytes.next_multiple_of(SLOT_ALIGNMENT_BYTES);
    let wish = Create {
        memfd: pool.arena().descriptor().as_raw_fd().cast_unsigned(),
        flags: CLOSE_ON_EXEC,
        offset: region.offset_bytes as u64,
        size: bytes as u64,
    };
    // SAFETY: the driver's descriptor is open and `wish` is the structure that this request reads.
    let buffer = unsafe { libc::ioctl(driver.as_raw_fd(), CREATE, &raw const wish) };
    let buffer = nix::errno::Errno::result(buffer).map_err(|errno| DmabufError::Refused {
        slot,
        bytes,
        offset_bytes: region.offset_bytes,
        source: errno.into(),
    })?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(buffer) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::arena::HugePages;

    #[test]
    fn an_exported_slot_shows_the_slot_s_bytes() {
        let mut pool = FramePool::new(2, 5000, HugePages::Prefer, false).expect("two slots");
        let mut lease = pool.acquire().expect("a slot");
        lease.as_mut().fill(3);
        match export(&pool, lease.index()) {
            Ok(buffer) => {
                // SAFETY: nobody writes to the slot meanwhile.
                let map = unsafe { memmap2::MmapOptions::new().len(8192).map(&buffer) }.expect("a dma-buf maps");
                assert!(map[..5000].iter().all(|&byte| byte == 3));
            }
            Err(DmabufError::NoDriver(error)) => eprintln!("SKIPPED: {DEVICE}: {error}"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_slot_that_is_not_there_is_refused_by_number() {
        let pool = FramePool::new(2, 64, HugePages::Never, false).expect("two slots");
        let error = export(&pool, 2).expect_err("slots are 0 and 1");
        assert!(error.to_string().contains("slot 2") && error.to_string().contains("has 2"), "{error}");
    }
}
