//! How long to wait between attempts to reach the cloud.

use std::time::Duration;

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

    /// The wait before the next attempt.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.spread(self.next);
        self.next = (self.next * 2).min(BACKOFF_LAST);
        wait
    }

    /// Between half and all of `most`; the jitter keeps a fleet from knocking all at once.
    pub(crate) fn spread(&mut self, most: Duration) -> Duration {
        // xorshift64: enough to spread attempts, and no dependency.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let half = most / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(0).max(1);
        half + Duration::from_nanos(self.random % spread)
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
