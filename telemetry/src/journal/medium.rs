//! How bytes get into a journal: through a mapping, or where that could end the process, by writing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statfs::fstatfs;

/// `TMPFS_MAGIC` of `linux/magic.h`: there a preallocated page is memory, and always takes a write. Everywhere else the disk
/// may refuse a mapped page once it is touched: no room (copy on write), a file system that has shut itself down or made
/// itself read-only after an error (ext4, XFS, F2FS). The kernel's only way to say so is SIGBUS, which would end the drive;
/// a write that is refused is an error value.
const TMPFS: u64 = 0x0102_1994;

/// A file of a fixed size that takes bytes at any place in it.
#[derive(Debug)]
pub(super) enum Medium {
    /// Mapped and shared: a store is in the page cache, which outlives the process.
    Mapped(MmapRaw),
    /// Written with `pwrite`, which puts the bytes in the same page cache.
    Written {
        /// The size.
        bytes: usize,
    },
}

impl Medium {
    /// Makes room for `bytes` in `file`, all of it now: a full disk or quota is an error here and nowhere later.
    pub(super) fn new(file: &File, bytes: usize) -> io::Result<Self> {
        let len = i64::try_from(bytes).map_err(io::Error::other)?;
        match fallocate(file, FallocateFlags::empty(), 0, len) {
            Ok(()) if is_mappable(file) => Ok(Self::Mapped(MmapOptions::new().len(bytes).map_raw(file)?)),
            Ok(()) => Ok(Self::Written { bytes }),
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(Self::Written { bytes }),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Mapped(map) => map.len(),
            Self::Written { bytes } => *bytes,
        }
    }

    /// Puts `bytes` at `at`, after everything that was put before.
    pub(super) fn put(&mut self, file: &File, at: usize, bytes: &[u8]) -> io::Result<()> {
        let end = at.checked_add(bytes.len()).filter(|&end| end <= self.bytes());
        if end.is_none() {
            return Err(io::Error::from(io::ErrorKind::WriteZero));
        }
        match self {
            Self::Mapped(map) => {
                // A process that dies in between must not have stored these bytes and not the earlier ones.
                fence(Ordering::SeqCst);
                // SAFETY: `at + bytes.len()` is within the mapping, `bytes` is not of it (no reference into it is ever
                // made), and `&mut self` keeps other threads away; other processes only read the file after this one
                // is gone, or reject what they read by its checksum.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), map.as_mut_ptr().add(at), bytes.len()) };
                fence(Ordering::SeqCst);
                Ok(())
            }
            Self::Written { .. } => file.write_all_at(bytes, at as u64),
        }
    }
}

fn is_mappable(file: &File) -> bool {
    fstatfs(file).is_ok_and(|system| u64::try_from(system.filesystem_type().0) == Ok(TMPFS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_or_written_the_same_bytes_are_in_the_file_and_none_beyond_its_size() {
        let mut written = Vec::new();
        for mapped in [true, false] {
            let file = tempfile::tempfile().unwrap();
            file.set_len(64).unwrap();
            let mut medium = match mapped {
                true => Medium::Mapped(MmapOptions::new().len(64).map_raw(&file).unwrap()),
                false => Medium::Written { bytes: 64 },
            };
            medium.put(&file, 3, b"abc").unwrap();
            medium.put(&file, 61, b"end").unwrap();
            assert!(medium.put(&file, 62, b"end").is_err() && medium.put(&file, usize::MAX, b"end").is_err());
            let mut bytes = [0; 64];
            file.read_exact_at(&mut bytes, 0).unwrap();
            assert_eq!((&bytes[3..6], &bytes[61..], file.metadata().unwrap().len()), (&b"abc"[..], &b"end"[..], 64));
            written.push(bytes);
        }
        assert_eq!(written[0], written[1]);
    }
}
