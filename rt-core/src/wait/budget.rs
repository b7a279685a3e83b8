//! How much a real-time thread may spin: a share of every scheduling period, whichever way the period is laid.

use std::time::Duration;

use crate::clock::Monotonic;

/// Time that may be spent spinning: never more than its share within any window of one period.
///
/// A bucket of half the share that fills up again at half the share per period: what stands in the bucket when a window
/// begins and what flows in during it are the share together. A plain value that knows no clock.
///
/// ```
/// use rt_core::{clock::Monotonic, wait::SpinBudget};
/// use std::time::Duration;
/// let start = Monotonic::from_ns(0);
/// let mut budget = SpinBudget::new(Duration::from_millis(400), Duration::from_secs(1), start);
/// assert_eq!(budget.allowed(start), Duration::from_millis(200));
/// let end = start.plus(Duration::from_millis(200));
/// budget.spent(start, end);
/// // A fifth of a second has brought back a fifth of what was spent, less than what is due.
/// assert!(budget.allowed(end) <= Duration::from_millis(40));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpinBudget {
    /// The most the bucket holds: half the share.
    most_ns: u64,
    period_ns: u64,
    /// What the bucket holds, in nanoseconds times `period_ns`, so that no refill is rounded; negative after a spin
    /// that ended late.
    level: i128,
    filled_at: Monotonic,
}

impl SpinBudget {
    /// A full budget of `share` per `period`; a share of zero allows nothing, ever.
    #[must_use]
    pub fn new(share: Duration, period: Duration, now: Monotonic) -> Self {
        let most_ns = nanoseconds(share) / 2;
        let period_ns = nanoseconds(period).max(1);
        Self { most_ns, period_ns, level: i128::from(most_ns) * i128::from(period_ns), filled_at: now }
    }

    /// How long a spin that begins at `now` may last.
    #[must_use]
    pub fn allowed(&mut self, now: Monotonic) -> Duration {
        self.fill(now);
        let whole = self.level.max(0) / i128::from(self.period_ns);
        Duration::from_nanos(u64::try_from(whole).unwrap_or(0))
    }

    /// Takes a spin that lasted from `from` to `to` out of the budget.
    pub fn spent(&mut self, from: Monotonic, to: Monotonic) {
        self.fill(to);
        let took_ns = nanoseconds(to.saturating_since(from));
        self.level -= i128::from(took_ns) * i128::from(self.period_ns);
    }

    fn fill(&mut self, now: Monotonic) {
        let since_ns = nanoseconds(now.saturating_since(self.filled_at));
        let most = i128::from(self.most_ns) * i128::from(self.period_ns);
        self.level = most.min(self.level + i128::from(since_ns) * i128::from(self.most_ns));
        self.filled_at = self.filled_at.max(now);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
