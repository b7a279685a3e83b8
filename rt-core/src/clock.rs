//! Time that cannot be mixed up: one monotonic clock for everything that is decided, one wall clock for what is logged.
//!
//! A [`Monotonic`] is `CLOCK_MONOTONIC` in nanoseconds: the clock V4L2 stamps frames with, the same for every process
//! of a machine, and untouched by wall-clock steps. A [`Deadline`] is an instant too, but its own type, so that a
//! deadline is never taken for a duration or for "now".

use std::time::Duration;

/// An instant of `CLOCK_MONOTONIC`, in nanoseconds since an arbitrary origin (boot, on Linux).
///
/// ```
/// use rt_core::clock::Monotonic;
/// let earlier = Monotonic::now();
/// assert!(Monotonic::now() >= earlier);
/// assert_eq!(Monotonic::from_ns(1_500).saturating_since(Monotonic::from_ns(500)).as_nanos(), 1_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The origin of the clock; used where "never happened" must be representable.
    pub const ZERO: Self = Self(0);

    /// Reads the clock (a vDSO call, tens of nanoseconds, no system call).
    #[must_use]
    pub fn now() -> Self {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid, writable timespec; CLOCK_MONOTONIC exists on every Linux.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        Self(to_ns(time))
    }

    /// An instant from nanoseconds of `CLOCK_MONOTONIC`, such as a kernel's frame timestamp.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the clock's origin.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Seconds since the clock's origin, as the experiment logs write them.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Time elapsed since `earlier`; zero where `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The instant `after` later.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }
}

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
        Monotonic(self.0.0.saturating_sub(u64::try_from(margin.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Whether the deadline has passed at `now`.
    #[must_use]
    pub fn passed_at(self, now: Monotonic) -> bool {
        now > self.0
    }
}

/// Wall-clock time in nanoseconds since the Unix epoch; for logs only, never for a decision.
#[must_use]
pub fn unix_now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as in `Monotonic::now`.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    to_ns(time)
}

fn to_ns(time: libc::timespec) -> u64 {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    secs.saturating_mul(1_000_000_000).saturating_add(nanos)
}
