//! Doorbells: how a thread sleeps until one of its mailboxes or rings has something, or until an instant.
//!
//! Rings and mailboxes carry data and never block; a doorbell carries only "look again". Any number of threads may
//! ring one; exactly one thread waits on it. Ringing never blocks: it is one atomic add, and one system call only
//! where the owner sleeps (or always, for a reactor's eventfd).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::task::Waker;

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
    sleeper: Sleeper,
}

/// How the owner sleeps.
#[derive(Debug)]
enum Sleeper {
    /// On the word itself.
    Futex,
    /// In a reactor (epoll) that watches an eventfd.
    Event(OwnedFd),
    /// As a task of an executor.
    Task(Waker),
}

impl Doorbell {
    /// A bell for a thread that sleeps in [`Doorbell::wait_until`].
    #[must_use]
    pub fn futex() -> Self {
        Self::new(Sleeper::Futex)
    }

    /// A bell for a thread that sleeps in a reactor: poll [`Doorbell::event`] for reading, then call
    /// [`Doorbell::clear_event`].
    ///
    /// # Errors
    /// The kernel's, where no more file descriptors can be had.
    pub fn eventfd() -> std::io::Result<Self> {
        use nix::sys::eventfd::{EfdFlags, EventFd};
        let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self::new(Sleeper::Event(OwnedFd::from(event))))
    }

    /// A bell for a task of an executor: every ring wakes `waker`, on the ringing thread. For simulations, where the
    /// owner is no thread; what a waker does is not bounded as the other two ways are.
    #[must_use]
    pub fn task(waker: Waker) -> Self {
        Self::new(Sleeper::Task(waker))
    }

    fn new(sleeper: Sleeper) -> Self {
        Self(Arc::new(Inner { rings: Futex::new(0), sleeper }))
    }

    /// Wakes the owner, or makes its next wait return at once.
    pub fn ring(&self) {
        // Release: what was put into a mailbox before the ring is seen by whoever sees the ring.
        let before = self.0.rings.word().fetch_add(ONE_RING, Ordering::Release);
        match &self.0.sleeper {
            Sleeper::Futex if before & SLEEPING != 0 => {
                // Relaxed: spares the next ringer the system call; the sleeper takes the bit back itself as well.
                self.0.rings.word().fetch_and(!SLEEPING, Ordering::Relaxed);
                self.0.rings.wake_all(Reach::Private);
            }
            Sleeper::Futex => {}
            Sleeper::Event(event) => {
                let one = 1_u64.to_ne_bytes();
                // A full counter (EAGAIN) means the owner is already bound to wake; nothing is lost.
                // SAFETY: the descriptor is open and `one` is 8 readable bytes, as eventfd demands.
                unsafe { libc::write(event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
            }
            Sleeper::Task(waker) => waker.wake_by_ref(),
        }
    }

    /// How often it has rung; read before looking into the mailboxes, then passed to [`Doorbell::wait_until`].
    #[must_use]
    pub fn count(&self) -> u32 {
        // Acquire: pairs with the release in `ring`.
        self.0.rings.word().load(Ordering::Acquire) & !SLEEPING
    }

    /// Sleeps until the bell has rung since `seen` was read, or until `until`; may return early for no reason. What was
    /// put before the ring that ended the wait is seen after it.
    pub fn wait_until(&self, seen: u32, until: Monotonic) {
        // A ring before this step is seen here; a ring after it sees SLEEPING and wakes. Relaxed: the word is all that
        // counts here, and its changes have one order.
        let before = self.0.rings.word().fetch_or(SLEEPING, Ordering::Relaxed) & !SLEEPING;
        if before == seen && Monotonic::now() < until {
            self.0.rings.wait(seen | SLEEPING, until, Reach::Private);
        }
        // Acquire: pairs with the release in `ring`, for an owner that looks without asking for the count first.
        self.0.rings.word().fetch_and(!SLEEPING, Ordering::Acquire);
    }

    /// The eventfd of a reactor's bell, to be polled for reading; `None` for the other kinds.
    #[must_use]
    pub fn event(&self) -> Option<BorrowedFd<'_>> {
        match &self.0.sleeper {
            Sleeper::Event(event) => Some(event.as_fd()),
            Sleeper::Futex | Sleeper::Task(_) => None,
        }
    }

    /// Makes the eventfd unreadable again; call before looking into the mailboxes.
    pub fn clear_event(&self) {
        if let Sleeper::Event(event) = &self.0.sleeper {
            let mut count = [0_u8; 8];
            // SAFETY: the descriptor is open and `count` is 8 writable bytes.
            unsafe { libc::read(event.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        }
    }
}

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
