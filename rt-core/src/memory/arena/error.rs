//! Why an arena could not be had.

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
