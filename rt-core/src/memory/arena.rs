//! One mapping for all slots of a pool: hugetlb memfd → transparent huge pages → plain pages, in that order.
//!
//! What was really got is read back from the kernel, not assumed: `madvise` answers "OK" where shared memory never
//! gets huge pages, so only `smaps` counts.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};

use memmap2::{MmapMut, MmapOptions};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

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

/// Why an arena could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ArenaError {
    /// A length of zero.
    #[error("an arena of 0 bytes was asked for; it needs at least one byte")]
    Empty,
    /// The machine has not that much memory.
    #[error("an arena of {asked_bytes} bytes was asked for, but the machine has {available_bytes} bytes available")]
    LargerThanMemory {
        /// What was asked for.
        asked_bytes: usize,
        /// `MemAvailable` of `/proc/meminfo`.
        available_bytes: usize,
    },
    /// Huge pages were required and there are too few.
    #[error(
        "{pages} huge pages of 2 MiB were required and could not be had ({source}); reserve them (vm.nr_hugepages) or set huge_pages: prefer"
    )]
    NoHugePages {
        /// How many.
        pages: usize,
        /// The kernel's answer.
        source: std::io::Error,
    },
    /// Any other answer of the kernel.
    #[error("mapping {bytes} bytes of shared memory failed: {source}")]
    Map {
        /// What was asked for.
        bytes: usize,
        /// The kernel's answer.
        source: std::io::Error,
    },
}

/// A prefaulted, sealed, shareable mapping.
///
/// ```
/// use rt_core::memory::arena::{Arena, HugePages};
/// let arena = Arena::map(1 << 20, HugePages::Prefer, false)?;
/// println!("{}", arena.report());
/// # Ok::<(), rt_core::memory::arena::ArenaError>(())
/// ```
#[derive(Debug)]
pub struct Arena {
    map: MmapMut,
    memory: OwnedFd,
    backing: Backing,
    locked: bool,
    /// Why something better was not got; `None` where the best was.
    shortfall: Option<String>,
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
        let mut shortfall = None;
        if wanted != HugePages::Never {
            match map_memfd(rounded, MFdFlags::MFD_HUGETLB | MFdFlags::MFD_HUGE_2MB) {
                Ok((map, memory)) => return Ok(Self::finish(map, memory, Some(Backing::HugeTlb), None, lock, further)),
                Err(source) if wanted == HugePages::Require => return Err(ArenaError::NoHugePages { pages, source }),
                Err(source) => shortfall = Some(format!("no {pages} hugetlb pages: {source}")),
            }
        }
        let (map, memory) =
            map_memfd(rounded, MFdFlags::empty()).map_err(|source| ArenaError::Map { bytes, source })?;
        Ok(Self::finish(map, memory, None, shortfall, lock, further))
    }

    fn finish(
        mut map: MmapMut,
        memory: OwnedFd,
        known: Option<Backing>,
        mut shortfall: Option<String>,
        lock: bool,
        further: SealFlag,
    ) -> Self {
        let backing = known.unwrap_or_else(|| {
            if shortfall.is_some() {
                // The answer is not trusted (see the module's text); smaps tells below.
                let _ = map.advise(memmap2::Advice::HugePage);
            }
            map.fill(0);
            if has_huge_mapping(map.as_ptr() as usize) { Backing::Transparent } else { Backing::Plain }
        });
        // Nobody who is handed the descriptor may shrink the memory under the camera.
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL | further;
        if let Err(error) = fcntl(memory.as_fd(), FcntlArg::F_ADD_SEALS(seals)) {
            note(&mut shortfall, format!("not sealed: {error}"));
        }
        let locked = lock
            && map.lock().inspect_err(|error| note(&mut shortfall, format!("not locked in memory: {error}"))).is_ok();
        Self { map, memory, backing, locked, shortfall }
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

    /// What kind of pages the kernel gave.
    #[must_use]
    pub const fn backing(&self) -> Backing {
        self.backing
    }

    /// The memory's descriptor, for a driver to import or another process to map.
    #[must_use]
    pub fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.memory.as_fd()
    }

    /// One line for the start-up report: size, pages, lock, and what was missing.
    #[must_use]
    pub fn report(&self) -> String {
        let locked = if self.locked { "locked" } else { "not locked" };
        let base = format!("{:.1} MiB on {}, prefaulted, {locked}", self.len() as f64 / 1_048_576.0, self.backing);
        match &self.shortfall {
            Some(reason) => format!("{base} ({reason})"),
            None => base,
        }
    }

    pub(crate) fn base(&mut self) -> *mut u8 {
        self.map.as_mut_ptr()
    }
}

fn note(shortfall: &mut Option<String>, reason: String) {
    *shortfall = Some(match shortfall.take() {
        Some(earlier) => format!("{earlier}; {reason}"),
        None => reason,
    });
}

fn map_memfd(bytes: usize, flags: MFdFlags) -> std::io::Result<(MmapMut, OwnedFd)> {
    let memory = memfd_create("turbo-arena", flags | MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let file = File::from(memory);
    file.set_len(bytes as u64)?;
    // SAFETY: the memfd is this process's own and is sealed against shrinking before anybody else can see it.
    let map = unsafe { MmapOptions::new().len(bytes).populate().map_mut(&file)? };
    Ok((map, OwnedFd::from(file)))
}

/// `MemAvailable`, bytes; `None` where `/proc` does not tell.
fn available_memory_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: NonZeroUsize = kib.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.get().saturating_mul(1024))
}

/// Whether `smaps` shows a huge mapping in the region that starts at `base`.
fn has_huge_mapping(base: usize) -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/self/smaps") else { return false };
    let start = format!("{base:x}-");
    text.lines()
        .skip_while(|line| !line.starts_with(&start))
        .skip(1)
        .take_while(|line| line.split_once(':').is_some_and(|(key, _)| !key.contains('-')))
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| matches!(*key, "ShmemPmdMapped" | "FilePmdMapped" | "AnonHugePages"))
        .any(|(_, value)| value.trim() != "0 kB")
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
        assert_eq!(arena.backing(), Backing::Plain);
        assert!(arena.report().contains("plain pages"), "{}", arena.report());
    }
}
