//! Doorbells: how a thread sleeps until one of its mailboxes or rings has something, or until an instant.
//!
//! Rings and mailboxes carry data and never block; a doorbell carries only "look again". Any number of threads may
//! ring one; exactly one thread waits on it. Ringing never blocks: it is one atomic add, and one system call only
//! where the owner sleeps (or always, for a reactor's eventfd).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::clock::Monotonic;

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
    rings: AtomicU32,
    sleeping: AtomicBool,
    /// Present where a reactor (epoll) waits instead of a futex.
    event: Option<OwnedFd>,
}

impl Doorbell {
    /// A bell for a thread that sleeps in [`Doorbell::wait_until`].
    #[must_use]
    pub fn futex() -> Self {
        Self(Arc::new(Inner { rings: AtomicU32::new(0), sleeping: AtomicBool::new(false), event: None }))
    }

    /// A bell for a thread that sleeps in a reactor: poll [`Doorbell::event`] for reading, then call
    /// [`Doorbell::clear_event`].
    ///
    /// # Errors
    /// The kernel's, where no more file descriptors can be had.
    pub fn eventfd() -> std::io::Result<Self> {
        use nix::sys::eventfd::{EfdFlags, EventFd};
        let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self(Arc::new(Inner {
            rings: AtomicU32::new(0),
            sleeping: AtomicBool::new(false),
            event: Some(OwnedFd::from(event)),
        })))
    }

    /// Wakes the owner, or makes its next wait return at once.
    pub fn ring(&self) {
        self.0.rings.fetch_add(1, Ordering::SeqCst);
        if let Some(event) = &self.0.event {
            let one = 1_u64.to_ne_bytes();
            // A full counter (EAGAIN) means the owner is already bound to wake; nothing is lost.
            // SAFETY: the descriptor is open and `one` is 8 readable bytes, as eventfd demands.
            unsafe { libc::write(event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        } else if self.0.sleeping.swap(false, Ordering::SeqCst) {
            // SAFETY: the word is alive for the call; FUTEX_WAKE touches nothing else.
            unsafe {
                libc::syscall(libc::SYS_futex, self.0.rings.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
            }
        }
    }

    /// How often it has rung; read before looking into the mailboxes, then passed to [`Doorbell::wait_until`].
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.rings.load(Ordering::SeqCst)
    }

    /// Sleeps until the bell has rung since `seen` was read, or until `until`; may return early for no reason.
    pub fn wait_until(&self, seen: u32, until: Monotonic) {
        let timeout = libc::timespec {
            tv_sec: i64::try_from(until.as_ns() / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(until.as_ns() % 1_000_000_000).unwrap_or(0),
        };
        self.0.sleeping.store(true, Ordering::SeqCst);
        if self.count() == seen && Monotonic::now() < until {
            // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so that a late start of the wait shortens it.
            // SAFETY: the word and the timespec are alive for the call; the kernel compares the word with `seen`
            // before it sleeps, so a ring in between is not missed.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.0.rings.as_ptr(),
                    libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                    seen,
                    &raw const timeout,
                    std::ptr::null::<u32>(),
                    libc::FUTEX_BITSET_MATCH_ANY,
                );
            }
        }
        self.0.sleeping.store(false, Ordering::SeqCst);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ring_before_the_wait_is_not_missed() {
        let bell = Doorbell::futex();
        let seen = bell.count();
        bell.ring();
        bell.wait_until(seen, Monotonic::now().plus(Duration::from_secs(3600)));
    }

    #[test]
    fn two_threads_hand_a_turn_back_and_forth_without_losing_one() {
        let (ping, pong) = (Doorbell::futex(), Doorbell::futex());
        let turns = AtomicU32::new(0);
        let far = Monotonic::now().plus(Duration::from_secs(3600));
        let wait_for = |bell: &Doorbell, turn: u32| {
            loop {
                let seen = bell.count();
                if turns.load(Ordering::SeqCst) >= turn {
                    break;
                }
                bell.wait_until(seen, far);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for turn in 0..20_000 {
                    wait_for(&ping, 2 * turn + 1);
                    turns.fetch_add(1, Ordering::SeqCst);
                    pong.ring();
                }
            });
            for turn in 0..20_000 {
                turns.fetch_add(1, Ordering::SeqCst);
                ping.ring();
                wait_for(&pong, 2 * turn + 2);
            }
        });
        assert_eq!(turns.load(Ordering::SeqCst), 40_000);
    }

    #[test]
    fn the_event_is_readable_after_a_ring_and_not_after_clearing() {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let bell = Doorbell::eventfd().expect("an eventfd");
        let readable = || {
            let fd = bell.event().expect("a reactor's bell");
            poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).expect("poll") == 1
        };
        assert!(!readable());
        bell.ring();
        bell.ring();
        assert!(readable());
        bell.clear_event();
        assert!(!readable());
    }
}
