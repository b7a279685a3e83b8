//! The memory of a segment in this process: the creator's arena, or a mapping of what another process made.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};

use super::header::HEADER_BYTES;
use super::{Access, SegmentError};
use crate::memory::arena::Arena;
use crate::sync::AtomicU64;

#[derive(Debug)]
pub(in super::super) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    memory: Memory,
}

#[derive(Debug)]
enum Memory {
    Made(Arena),
    Opened { memory: OwnedFd, _map: MmapRaw },
}

// SAFETY: the mapping lives as long as `memory`; what threads may do with the bytes behind `base` is for the structures
// in the segment to say, which reach them through atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(super) fn made(mut arena: Arena) -> Result<Self, SegmentError> {
        let (base, len) = (non_null(arena.base())?, arena.len());
        Ok(Self { base, len, writable: true, memory: Memory::Made(arena) })
    }

    /// Maps `len` bytes of `memory`, which must be sealed against shrinking.
    pub(super) fn opened(memory: OwnedFd, len: usize, access: Access) -> Result<Self, SegmentError> {
        let file = File::from(memory);
        let mut options = MmapOptions::new();
        let options = options.len(len).populate();
        let map = match access {
            Access::ReadWrite => options.map_raw(&file),
            Access::ReadOnly => options.map_raw_read_only(&file),
        };
        let map = map.map_err(|source| SegmentError::Kernel { step: "mapping the segment", source })?;
        let base = non_null(map.as_mut_ptr())?;
        let memory = Memory::Opened { memory: OwnedFd::from(file), _map: map };
        Ok(Self { base, len, writable: access == Access::ReadWrite, memory })
    }

    pub(super) const fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn writable(&self) -> bool {
        self.writable
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.memory {
            Memory::Made(arena) => arena.descriptor(),
            Memory::Opened { memory, .. } => memory.as_fd(),
        }
    }

    /// The header's words; `None` where the memory is too short for one.
    pub(super) fn header(&self) -> Option<&[AtomicU64]> {
        // SAFETY: the bytes are mapped and zero-initialised by the kernel, page-aligned, and only ever reached through
        // atomics; a read-only mapping is only loaded from.
        (self.len >= HEADER_BYTES)
            .then(|| unsafe { std::slice::from_raw_parts(self.base.as_ptr().cast::<AtomicU64>(), HEADER_BYTES / 8) })
    }

    pub(super) fn report(&self) -> String {
        match &self.memory {
            Memory::Made(arena) => arena.report(),
            Memory::Opened { .. } => {
                let access = if self.writable { "read and written" } else { "only read" };
                format!("{:.1} MiB of another process, {access}", self.len as f64 / 1_048_576.0)
            }
        }
    }
}

fn non_null(base: *mut u8) -> Result<NonNull<u8>, SegmentError> {
    NonNull::new(base).ok_or_else(|| SegmentError::Kernel {
        step: "mapping the segment",
        source: std::io::Error::other("the kernel mapped it at address 0"),
    })
}
