//! What the machine has left, asked before anything large is allocated: an error value beats the OOM killer.

use std::num::NonZeroUsize;

/// `MemAvailable`, bytes; `None` where `/proc` does not tell.
pub(crate) fn available_memory_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: NonZeroUsize = kib.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.get().saturating_mul(1024))
}
