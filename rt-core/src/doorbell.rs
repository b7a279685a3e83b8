//! Doorbells: how a thread sleeps until one of its mailboxes or rings has something, or until an instant.
//!
//! Rings and mailboxes carry data and never block; a doorbell carries only "look again". Any number of threads may
//! ring one; exactly one thread waits on it. Ringing never blocks: it is one atomic add, and one system call only
//! where the owner sleeps (or always, for a reactor's eventfd).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::clock::Monotonic;
use crate::sync::{Arc, Futex, Ordering, Reach};

/// Set in the bell's word while its owner sleeps or is about to; the count of rings stands above it. One word for both,
/// so that "has it rung?" and "does somebody sleep?" are one question with one answer.
const SLEEPING: u32 = 1;
const ONE_RING: u32 = 2;

/// A shared handle to one waiting thread; clones ring the same bell.
///
/// ```
/// use rt_core::{clock::Monotonic, doorbell::Doorbell};
/// use std::time::Duration;
/// let bell = Doorbell::futex();
/// let seen = bell.count();
/// std::thread::scope(|scope| {
///     scope.spawn(|| bell.ring());
///     // Returns as soon as the bell has rung since `seen` was read, however the threads interleave.
///     bell.wait_until(seen, Monotonic::now().plus(Duration::from_secs(5)));
/// });
/// assert_ne!(bell.count(), seen);
/// ```
#[derive(Clone, Debug)]
pub struct Doorbell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Rings counted, wrapping, and [`SLEEPING`].
    rings: Futex,
    /// Present where a reactor (epoll) waits instead of a futex.
    event: Option<OwnedFd>,
}

impl Doorbell {
    /// A bell for a thread that sleeps in [`Doorbell::wait_until`].
    #[must_use]
    pub fn futex() -> Self {
        Self(Arc::new(Inner { rings: Futex::new(0), event: None }))
    }

    /// A bell for a thread that sleeps in a reactor: poll [`Doorbell::event`] for reading, then call
    /// [`Doorbell::clear_event`].
    ///
    /// # Errors
    /// The kernel's, where no more file descriptors can be had.
    pub fn eventfd() -> std::io::Result<Self> {
        use nix::sys::eventfd::{EfdFlags, EventFd};
        let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self(Arc::new(Inner { rings: Futex::new(0), event: Some(OwnedFd::from(event)) })))
    }

    /// Wakes the owner, or makes its next wait return at once.
    pub fn ring(&self) {
        // Release: what was put into a mailbox before the ring is seen by whoever sees the ring.
        let before = self.0.rings.word().fetch_add(ONE_RING, Ordering::Release);
        if let Some(event) = &self.0.event {
            let one = 1_u64.to_ne_bytes();
            // A full counter (EAGAIN) means the owner is already bound to wake; nothing is lost.
            // SAFETY: the descriptor is open and `one` is 8 readable bytes, as eventfd demands.
            unsafe { libc::write(event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        } else if before & SLEEPING != 0 {
            self.0.rings.word().fetch_and(!SLEEPING, Ordering::Relaxed);
            self.0.rings.wake_all(Reach::Private);
        }
    }

    /// How often it has rung; read before looking into the mailboxes, then passed to [`Doorbell::wait_until`].
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.rings.word().load(Ordering::Acquire) & !SLEEPING
    }

    /// Sleeps until the bell has rung since `seen` was read, or until `until`; may return early for no reason.
    pub fn wait_until(&self, seen: u32, until: Monotonic) {
        // A ring before this step is seen here; a ring after it sees SLEEPING and wakes.
        let before = self.0.rings.word().fetch_or(SLEEPING, Ordering::Acquire) & !SLEEPING;
        if before == seen && Monotonic::now() < until {
            self.0.rings.wait(seen | SLEEPING, until, Reach::Private);
        }
        self.0.rings.word().fetch_and(!SLEEPING, Ordering::Acquire);
    }

    /// The eventfd of a reactor's bell, to be polled for reading; `None` for a futex bell.
    #[must_use]
    pub fn event(&self) -> Option<BorrowedFd<'_>> {
        self.0.event.as_ref().map(AsFd::as_fd)
    }

    /// Makes the eventfd unreadable again; call before looking into the mailboxes.
    pub fn clear_event(&self) {
        if let Some(event) = &self.0.event {
            let mut count = [0_u8; 8];
            // SAFETY: the descriptor is open and `count` is 8 writable bytes.
            unsafe { libc::read(event.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        }
    }
}

#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;
