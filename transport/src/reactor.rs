//! What both endpoints need of tokio: a doorbell that can be awaited, and this project's clock as a timer.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A doorbell whose eventfd tokio watches, by a descriptor of its own.
pub(crate) struct AsyncBell {
    bell: Doorbell,
    fd: AsyncFd<OwnedFd>,
}

impl AsyncBell {
    /// Registers `bell` with the current runtime; a futex bell, which cannot wake a reactor, is an error.
    pub(crate) fn new(bell: Doorbell) -> std::io::Result<Self> {
        let fd = bell.event().map(|fd| fd.try_clone_to_owned()).transpose()?.ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidInput, "a futex doorbell where an eventfd one is needed")
        })?;
        // SAFETY: the descriptor is owned by the `AsyncFd` and neither replaced nor closed before it is dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? };
        Ok(Self { bell, fd })
    }

    /// Returns once the bell has rung since it was last cleared, and clears it.
    pub(crate) async fn rung(&self) {
        if let Ok(mut ready) = self.fd.readable().await {
            ready.clear_ready();
            self.bell.clear_event();
        }
    }
}

/// The instant on the clock that this thread lives by.
pub(crate) fn now() -> Monotonic {
    Monotonic::now()
}

/// Sleeps until `instant` of this project's clock.
pub(crate) async fn sleep_until(instant: Monotonic) {
    let left = instant.saturating_since(Monotonic::now());
    if !left.is_zero() {
        tokio::time::sleep(left).await;
    }
}

/// The later part of a thread's start: its runtime, single-threaded, with sockets and timers.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()
}

/// Takes an impossible error for any value: providers given as ready values cannot fail to start.
pub(crate) fn never<T>(error: std::convert::Infallible) -> T {
    match error {}
}

/// How long a failed attempt waits before the next: doubling from 50 ms to 1 s, each time between half and all of it.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    random: u64,
}

/// First and longest wait.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_LAST: Duration = Duration::from_secs(1);

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { next: BACKOFF_FIRST, random: seed | 1 }
    }

    pub(crate) fn reset(&mut self) {
        self.next = BACKOFF_FIRST;
    }

    /// The wait before the next attempt; the jitter keeps a fleet from knocking all at once.
    pub(crate) fn wait(&mut self) -> Duration {
        // xorshift64: enough to spread attempts, and no dependency.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let half = self.next / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(0).max(1);
        let wait = half + Duration::from_nanos(self.random % spread);
        self.next = (self.next * 2).min(BACKOFF_LAST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_a_second_with_jitter_and_starts_again() {
        let mut backoff = Backoff::new(7);
        let mut expected = BACKOFF_FIRST;
        for _ in 0..20 {
            let wait = backoff.wait();
            assert!(wait >= expected / 2 && wait <= expected, "{wait:?} of {expected:?}");
            expected = (expected * 2).min(BACKOFF_LAST);
        }
        backoff.reset();
        assert!(backoff.wait() <= BACKOFF_FIRST);
    }
}
