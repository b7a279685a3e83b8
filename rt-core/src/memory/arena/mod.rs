//! One mapping for all slots of a pool: hugetlb memfd → transparent huge pages → plain pages, in that order.
//!
//! What was really got is read back from the kernel, not assumed: `madvise` answers "OK" where shared memory never
//! gets huge pages, so only `smaps` counts.

mod error;
mod report;
mod smaps;

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use memmap2::{MmapMut, MmapOptions};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit};

use super::available_memory_bytes;
pub use error::ArenaError;
pub use report::ArenaReport;
use smaps::Mapping;

/// Size of the huge pages asked for (x86-64 and arm64 with 4 KiB base pages).
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// What is wanted of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugePages {
    /// Fail where no hugetlb pages can be had.
    Require,
    /// Take the best there is.
    Prefer,
    /// Plain pages.
    Never,
}

/// What the kernel gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Reserved huge pages (hugetlb).
    HugeTlb,
    /// Transparent huge pages, seen in `smaps`.
    Transparent,
    /// Base pages.
    Plain,
}

impl std::fmt::Display for Backing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HugeTlb => "hugetlb 2 MiB pages",
            Self::Transparent => "transparent huge pages",
            Self::Plain => "plain pages",
        })
    }
}

/// A prefaulted, sealed, shareable mapping.
///
/// ```
/// use rt_core::memory::arena::{Arena, HugePages};
/// let arena = Arena::map(1 << 20, HugePages::Prefer, false)?;
/// println!("{}", arena.report());
/// assert_eq!(arena.report().bytes, 2 << 20, "whole huge pages");
/// # Ok::<(), rt_core::memory::arena::ArenaError>(())
/// ```
#[derive(Debug)]
pub struct Arena {
    map: MmapMut,
    memory: OwnedFd,
    report: ArenaReport,
}

impl Arena {
    /// Maps at least `bytes`, touched and ready, and locks them in memory where `lock` is wanted and allowed.
    ///
    /// # Errors
    /// [`ArenaError`], with what was asked for and what the kernel answered.
    pub fn map(bytes: usize, wanted: HugePages, lock: bool) -> Result<Self, ArenaError> {
        Self::map_sealed(bytes, wanted, lock, SealFlag::empty())
    }

    /// As [`Arena::map`], with further seals: `F_SEAL_FUTURE_WRITE` leaves this mapping the only one that can write.
    pub(crate) fn map_sealed(
        bytes: usize,
        wanted: HugePages,
        lock: bool,
        further: SealFlag,
    ) -> Result<Self, ArenaError> {
        if bytes == 0 {
            return Err(ArenaError::Empty);
        }
        if let Some(available_bytes) = available_memory_bytes().filter(|&available| bytes > available) {
            return Err(ArenaError::LargerThanMemory { asked_bytes: bytes, available_bytes });
        }
        let rounded = bytes.next_multiple_of(HUGE_PAGE_BYTES);
        let pages = rounded / HUGE_PAGE_BYTES;
        let mut shortfalls = Vec::new();
        if wanted != HugePages::Never {
            match map_memfd(rounded, MFdFlags::MFD_HUGETLB | MFdFlags::MFD_HUGE_2MB) {
                Ok((map, memory)) => return Ok(Self::finish(map, memory, shortfalls, lock, further)),
                Err(source) if wanted == HugePages::Require => return Err(ArenaError::NoHugePages { pages, source }),
                Err(source) => shortfalls.push(format!("no {pages} hugetlb pages: {source}")),
            }
        }
        let (mut map, memory) =
            map_memfd(rounded, MFdFlags::empty()).map_err(|source| ArenaError::Map { bytes, source })?;
        if wanted != HugePages::Never {
            // The answer is not trusted (see the module's text): the report reads smaps.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        map.fill(0);
        Ok(Self::finish(map, memory, shortfalls, lock, further))
    }

    fn finish(map: MmapMut, memory: OwnedFd, mut shortfalls: Vec<String>, lock: bool, further: SealFlag) -> Self {
        // Nobody who is handed the descriptor may shrink the memory under the camera.
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL | further;
        let sealed = fcntl(memory.as_fd(), FcntlArg::F_ADD_SEALS(seals))
            .inspect_err(|error| shortfalls.push(format!("not sealed: {error}")))
            .is_ok();
        if lock && let Err(error) = map.lock() {
            shortfalls.push(format!("not locked in memory: {error} ({})", lock_needs(map.len())));
        }
        let mapping = Mapping::at(map.as_ptr() as usize);
        let report = ArenaReport::new(map.len(), mapping, sealed, shortfalls);
        Self { map, memory, report }
    }

    /// Length in bytes: what was asked for, rounded up to whole huge pages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Never true: an arena of no bytes cannot be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// What the kernel really gave, for the start-up lines and the run's record.
    #[must_use]
    pub const fn report(&self) -> &ArenaReport {
        &self.report
    }

    /// The memory's descriptor, for a driver to import or another process to map.
    #[must_use]
    pub fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.memory.as_fd()
    }

    pub(crate) fn base(&mut self) -> *mut u8 {
        self.map.as_mut_ptr()
    }
}

/// What locking `bytes` takes, and what this process has.
fn lock_needs(bytes: usize) -> String {
    let has = getrlimit(Resource::RLIMIT_MEMLOCK)
        .map_or_else(|error| format!("its present value cannot be read: {error}"), |(soft, _)| format!("it is {soft}"));
    format!("needs CAP_IPC_LOCK, or a memlock limit with {bytes} bytes to spare; {has}")
}

fn map_memfd(bytes: usize, flags: MFdFlags) -> std::io::Result<(MmapMut, OwnedFd)> {
    let memory = memfd_create("turbo-arena", flags | MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let file = File::from(memory);
    file.set_len(bytes as u64)?;
    // SAFETY: the memfd is this process's own and is sealed against shrinking before anybody else can see it.
    let map = unsafe { MmapOptions::new().len(bytes).populate().map_mut(&file)? };
    Ok((map, OwnedFd::from(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_at_least_as_long_as_asked_and_sealed_against_shrinking() {
        let arena = Arena::map(HUGE_PAGE_BYTES + 1, HugePages::Prefer, false).expect("two huge pages' worth");
        assert_eq!(arena.len(), 2 * HUGE_PAGE_BYTES);
        let file = File::from(arena.descriptor().try_clone_to_owned().expect("a second descriptor"));
        assert!(file.set_len(1).is_err(), "the seal forbids shrinking");
    }

    #[test]
    fn impossible_wishes_are_refused_with_their_numbers() {
        assert!(matches!(Arena::map(0, HugePages::Never, false), Err(ArenaError::Empty)));
        let error = Arena::map(usize::MAX / 2, HugePages::Never, false).expect_err("more than any machine has");
        assert!(error.to_string().contains(&(usize::MAX / 2).to_string()), "{error}");
    }

    #[test]
    fn plain_pages_are_reported_as_such() {
        let arena = Arena::map(4096, HugePages::Never, false).expect("one page");
        assert_eq!(arena.report().backing, Backing::Plain);
        assert!(arena.report().to_string().contains("plain pages"), "{}", arena.report());
    }

    #[test]
    fn what_is_reported_is_what_the_kernel_shows() {
        let arena = Arena::map(3 * HUGE_PAGE_BYTES, HugePages::Prefer, true).expect("three huge pages' worth");
        let report = arena.report();
        assert_eq!(report.resident_bytes, Some(arena.len()), "every page was touched: {report}");
        assert!(report.sealed);
        assert_eq!(report.locked, !report.shortfalls.iter().any(|reason| reason.contains("not locked")), "{report}");
        if report.backing == Backing::HugeTlb {
            assert_eq!(report.page_bytes, Some(HUGE_PAGE_BYTES));
        } else {
            assert!(report.shortfalls.iter().any(|reason| reason.contains("hugetlb")), "{report}");
        }
    }
}
