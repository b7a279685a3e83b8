//! What ordinary builds run: the standard library's atomics and the kernel's futex.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use std::sync::{Arc, Mutex};

use super::Reach;
use crate::clock::Monotonic;

/// A cell whose contents are reached through closures, the shape that loom can watch.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Shared access: nobody may write meanwhile.
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Exclusive access: nobody else may look meanwhile.
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// A 32-bit word that threads can sleep on; may stand in memory that processes share.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Futex(AtomicU32);

impl Futex {
    pub(crate) const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    /// The word itself.
    pub(crate) const fn word(&self) -> &AtomicU32 {
        &self.0
    }

    /// Sleeps while the word is `expected`, until `until`; may return early for no reason.
    pub(crate) fn wait(&self, expected: u32, until: Monotonic, reach: Reach) {
        let timeout = libc::timespec {
            tv_sec: i64::try_from(until.as_ns() / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(until.as_ns() % 1_000_000_000).unwrap_or(0),
        };
        // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so that a late start of the wait shortens it.
        // SAFETY: the word and the timespec are alive for the call; the kernel compares the word with `expected`
        // before it sleeps, so a change in between is not missed.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.0.as_ptr(),
                libc::FUTEX_WAIT_BITSET | private(reach),
                expected,
                &raw const timeout,
                std::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            );
        }
    }

    /// Wakes every thread that sleeps on the word.
    pub(crate) fn wake_all(&self, reach: Reach) {
        // SAFETY: the word is alive for the call; FUTEX_WAKE touches nothing else.
        unsafe {
            libc::syscall(libc::SYS_futex, self.0.as_ptr(), libc::FUTEX_WAKE | private(reach), i32::MAX);
        }
    }
}

const fn private(reach: Reach) -> i32 {
    match reach {
        Reach::Private => libc::FUTEX_PRIVATE_FLAG,
        Reach::Shared => 0,
    }
}
