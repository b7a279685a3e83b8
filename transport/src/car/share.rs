//! What the allocator has given a service of the uplink, and how much of it the service has used.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// So much time's worth of its share a service may save up for a burst: four frames at ten a second.
const SAVED: Duration = Duration::from_millis(400);

/// A service's account: it earns its share and spends what it sends.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use std::time::Duration;
/// use transport::car::share::Account;
/// let (start, ms) = (Monotonic::from_ns(1_000_000_000), Duration::from_millis(1));
/// let mut account = Account::default();
/// account.spend(50_000, start);
/// assert!(!account.borrows(start), "without a share nothing is counted");
/// account.set_share(100_000.0, start);
/// account.spend(60_000, start);
/// assert!(account.borrows(start), "it had saved 40,000 bytes");
/// assert!(!account.borrows(start.plus(200 * ms)), "and has earned 20,000 since");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// Bytes per second; `None` until the allocator has spoken.
    share: Option<f64>,
    credit_bytes: f64,
    as_of: Monotonic,
}

impl Account {
    /// From now on the share is `bytes_per_s`.
    pub fn set_share(&mut self, bytes_per_s: f64, now: Monotonic) {
        let share = if bytes_per_s.is_finite() { bytes_per_s.max(0.0) } else { 0.0 };
        self.credit_bytes = match self.share {
            Some(_) => self.credit(now).min(saved(share)),
            None => saved(share),
        };
        (self.share, self.as_of) = (Some(share), now);
    }

    /// `bytes` are sent.
    pub fn spend(&mut self, bytes: usize, now: Monotonic) {
        if self.share.is_some() {
            self.credit_bytes = self.credit(now) - bytes as f64;
            self.as_of = now;
        }
    }

    /// Whether the service has no share or has sent more than it: what it sends now is lent from what the others leave.
    #[must_use]
    pub fn borrows(&self, now: Monotonic) -> bool {
        self.share.is_some_and(|share| share <= 0.0 || self.credit(now) < 0.0)
    }

    fn credit(&self, now: Monotonic) -> f64 {
        let share = self.share.unwrap_or(0.0);
        let earned = share * now.saturating_since(self.as_of).as_secs_f64();
        // A debt is forgotten at the same size at which savings end: what was lent once is not held against it for long.
        (self.credit_bytes + earned).clamp(-saved(share), saved(share))
    }
}

fn saved(share: f64) -> f64 {
    share * SAVED.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Over any time a service that never borrows has sent no more than its share and what it had saved.
        #[test]
        fn who_does_not_borrow_keeps_to_its_share(
            share in 1_000.0..1e6_f64,
            steps in prop::collection::vec((1..500_u64, 1..100_000_usize), 1..200),
        ) {
            let mut now = Monotonic::from_ns(1_000_000_000);
            let start = now;
            let mut account = Account::default();
            account.set_share(share, now);
            let (mut sent, mut largest) = (0, 0);
            for (gap_ms, bytes) in steps {
                now = now.plus(Duration::from_millis(gap_ms));
                if !account.borrows(now) {
                    account.spend(bytes, now);
                    (sent, largest) = (sent + bytes, largest.max(bytes));
                    // Only a debt that is not forgotten can be held to.
                    prop_assume!(bytes as f64 <= saved(share));
                }
                let time = now.saturating_since(start).as_secs_f64();
                prop_assert!(sent as f64 <= share * time + saved(share) + largest as f64 + 1.0);
            }
        }

        #[test]
        fn who_is_given_nothing_borrows_from_the_first_byte(sent in 0..100_000_usize, at in any::<u32>()) {
            let mut account = Account::default();
            let now = Monotonic::from_ns(u64::from(at));
            account.set_share(0.0, now);
            prop_assert!(account.borrows(now));
            account.spend(sent, now);
            prop_assert!(account.borrows(now));
            account.set_share(1_000.0, now);
            prop_assert!(!account.borrows(now));
        }

        #[test]
        fn any_numbers_are_survived(steps in prop::collection::vec((any::<f64>(), any::<u32>(), any::<u64>()), 0..50)) {
            let mut account = Account::default();
            for (share, bytes, at) in steps {
                let now = Monotonic::from_ns(at);
                account.set_share(share, now);
                account.spend(bytes as usize, now);
                let _ = account.borrows(now);
                prop_assert!(account.credit(now).is_finite() || share > 1e300);
            }
        }
    }
}
