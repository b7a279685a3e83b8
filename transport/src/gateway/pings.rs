//! How often a car may ping on its control stream.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// A car pings a connection that rests ten times a second, for up to a minute; when its path comes back, all of them may
/// come at once. This is that and as much again.
const MOST_AT_ONCE: u32 = 1_200;
/// One more is earned in this time: twenty a second, twice what a car does.
const EARNED: Duration = Duration::from_millis(50);

/// One connection's pings: a bucket.
#[derive(Debug)]
pub(super) struct Pings {
    left: u32,
    earned_at: Monotonic,
}

impl Pings {
    pub(super) const fn new(now: Monotonic) -> Self {
        Self { left: MOST_AT_ONCE, earned_at: now }
    }

    /// Takes one; `false` where it is one too many.
    pub(super) fn take(&mut self, now: Monotonic) -> bool {
        let earned = now.saturating_since(self.earned_at).as_nanos() / EARNED.as_nanos();
        if earned > 0 {
            self.left = self.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(MOST_AT_ONCE);
            self.earned_at = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_ns(1_000_000_000 + ms * 1_000_000)
    }

    #[test]
    fn a_minute_of_a_resting_cars_pings_may_come_at_once_and_a_flood_may_not() {
        let mut pings = Pings::new(at(0));
        assert!((0..600).all(|_| pings.take(at(0))), "a minute in the dark");
        assert!((1..=600).all(|ping| pings.take(at(ping * 100))), "and ten a second after it, for a minute");
        let flood = (0..10_000).filter(|_| pings.take(at(60_000))).count();
        assert!(flood <= MOST_AT_ONCE as usize, "{flood}");
        let later = (0..10_000).filter(|_| pings.take(at(61_000))).count();
        assert_eq!(later, 20);
    }
}
