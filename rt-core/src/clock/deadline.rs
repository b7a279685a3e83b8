//! When a decision is due.

use std::time::Duration;

use super::Monotonic;

/// The instant by which a frame's decision is due: capture time plus the service's objective.
///
/// ```
/// use rt_core::clock::{Deadline, Monotonic};
/// use std::time::Duration;
/// let capture = Monotonic::from_ns(1_000_000);
/// let deadline = Deadline::after_capture(capture, Duration::from_millis(200));
/// assert_eq!(deadline.budget_at(capture), Duration::from_millis(200));
/// assert_eq!(deadline.budget_at(capture.plus(Duration::from_secs(1))), Duration::ZERO);
/// ```
///
/// A wall-clock time neither makes a deadline nor is held against one:
///
/// ```compile_fail,E0308
/// use rt_core::clock::{Deadline, UnixTime};
/// let deadline = Deadline::after_capture(UnixTime::now(), std::time::Duration::from_millis(200));
/// ```
///
/// ```compile_fail,E0308
/// use rt_core::clock::{Deadline, Monotonic, UnixTime};
/// let budget = Deadline::at(Monotonic::now()).budget_at(UnixTime::now());
/// ```
///
/// What is left of it is a budget at an instant, not a difference; and a deadline is not an instant to measure from:
///
/// ```compile_fail,E0369
/// use rt_core::clock::{Deadline, Monotonic};
/// let budget = Deadline::at(Monotonic::now()) - Monotonic::now();
/// ```
///
/// ```compile_fail,E0308
/// use rt_core::clock::{Deadline, Monotonic};
/// let elapsed = Monotonic::now().saturating_since(Deadline::at(Monotonic::now()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Monotonic);

impl Deadline {
    /// The deadline of a frame captured at `capture` under the objective `slo`.
    #[must_use]
    pub fn after_capture(capture: Monotonic, slo: Duration) -> Self {
        Self(capture.plus(slo))
    }

    /// A deadline at a given instant.
    #[must_use]
    pub const fn at(instant: Monotonic) -> Self {
        Self(instant)
    }

    /// The instant itself.
    #[must_use]
    pub const fn instant(self) -> Monotonic {
        self.0
    }

    /// What is left of the budget at `now`; zero once it has passed. This, never a wall-clock time, crosses the wire.
    #[must_use]
    pub const fn budget_at(self, now: Monotonic) -> Duration {
        self.0.saturating_since(now)
    }

    /// The same deadline, `margin` earlier: when work has to be done so that the decision is in time.
    #[must_use]
    pub fn less(self, margin: Duration) -> Monotonic {
        self.0.minus(margin)
    }

    /// Whether the deadline has passed at `now`.
    #[must_use]
    pub fn passed_at(self, now: Monotonic) -> bool {
        now > self.0
    }
}
