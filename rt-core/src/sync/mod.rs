//! The atomics, cells and futexes under every lock-free structure of this crate, in one place so that they can be
//! swapped: ordinary builds get the standard library's, and `cargo test` with `--cfg loom` gets loom's, which runs each
//! structure's real code through every interleaving and every value that weak memory allows.
//!
//! Lock-free code here takes its atomics from this module alone.

#[cfg(all(test, loom))]
mod model;
#[cfg(not(all(test, loom)))]
mod native;
mod padded;

#[cfg(all(test, loom))]
pub(crate) use model::{Arc, AtomicBool, AtomicU32, AtomicU64, Futex, Mutex, Ordering, UnsafeCell, fence, spin_loop};
#[cfg(not(all(test, loom)))]
pub(crate) use native::{Arc, AtomicBool, AtomicU32, AtomicU64, Futex, Mutex, Ordering, UnsafeCell, fence, spin_loop};
pub(crate) use padded::CachePadded;

/// Who may wait on a futex word; the kernel finds private words without looking up the page behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Threads of this process.
    Private,
    /// Any process that maps the memory.
    Shared,
}
