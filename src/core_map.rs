//! From the core map of a profile to threads.

use config::threads::{Mode, Scheduling, ThreadEntry};
use rt_core::threads::{Policy, Strictness, ThreadSpec};

/// The core map's mode as `rt-core` names it.
#[must_use]
pub const fn strictness(mode: Mode) -> Strictness {
    match mode {
        Mode::BestEffort => Strictness::BestEffort,
        Mode::Strict => Strictness::Strict,
    }
}

/// What is asked for a thread of a role.
#[must_use]
pub fn spec(entry: &ThreadEntry, name: String) -> ThreadSpec {
    let policy = match entry.scheduling() {
        Scheduling::Other { nice } => Policy::Other { nice },
        Scheduling::Fifo { priority } => Policy::Fifo { priority },
        Scheduling::RoundRobin { priority } => Policy::RoundRobin { priority },
    };
    ThreadSpec { name, cores: entry.cores.clone(), policy }
}
