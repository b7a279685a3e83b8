//! How an end of ours waits; the peers are measured beside the one that waits as they do.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

use crate::error::{BenchError, Result};

/// How long an end looks before it sleeps: longer than a hand-over between two cores takes, far shorter than the time
/// after which the kernel stops a spinning real-time thread.
pub const SPIN: Duration = Duration::from_micros(20);

/// How long an end waits for the other before it takes it for dead.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks between two readings of the clock.
const LOOKS: u32 = 64;

/// What an end does while there is nothing for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Looks again and again.
    Spin,
    /// Looks again for [`SPIN`], then sleeps on its doorbell.
    SpinThenFutex,
    /// Sleeps on its doorbell at once.
    Futex,
}

impl Wait {
    /// As the table names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::SpinThenFutex => "spin 20 us, then futex",
            Self::Futex => "futex",
        }
    }
}

/// A way of waiting and the bell it sleeps on.
pub struct Waiter {
    /// How it waits.
    pub wait: Wait,
    /// What the other end rings.
    pub bell: Doorbell,
}

impl Waiter {
    /// Waits until `look` finds something.
    ///
    /// # Errors
    /// [`BenchError::Silent`] after half a minute.
    pub fn receive<T>(&self, mut look: impl FnMut() -> Option<T>) -> Result<T> {
        match self.wait {
            Wait::Spin => spin(PATIENCE, look).ok_or(BenchError::Silent(PATIENCE)),
            Wait::SpinThenFutex => match spin(SPIN, &mut look) {
                Some(found) => Ok(found),
                None => self.sleep(look),
            },
            Wait::Futex => self.sleep(look),
        }
    }

    fn sleep<T>(&self, mut look: impl FnMut() -> Option<T>) -> Result<T> {
        let until = Monotonic::now().plus(PATIENCE);
        loop {
            let seen = self.bell.count();
            if let Some(found) = look() {
                return Ok(found);
            }
            if Monotonic::now() >= until {
                return Err(BenchError::Silent(PATIENCE));
            }
            self.bell.wait_until(seen, until);
        }
    }
}

/// Looks again and again, for `how_long` at most; the clock is read once in [`LOOKS`] looks.
pub fn spin<T>(how_long: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut until = None;
    loop {
        for _ in 0..LOOKS {
            if let Some(found) = look() {
                return Some(found);
            }
            std::hint::spin_loop();
        }
        let now = Monotonic::now();
        if now >= *until.get_or_insert(now.plus(how_long)) {
            return None;
        }
    }
}
