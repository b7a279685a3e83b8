//! The clock that decides.

use std::time::Duration;

/// An instant of `CLOCK_MONOTONIC`, in nanoseconds since an arbitrary origin (boot, on Linux).
///
/// ```
/// use rt_core::clock::Monotonic;
/// let earlier = Monotonic::now();
/// assert!(Monotonic::now() >= earlier);
/// assert_eq!(Monotonic::from_ns(1_500).saturating_since(Monotonic::from_ns(500)).as_nanos(), 1_000);
/// ```
///
/// Another clock's time is no instant of this one:
///
/// ```compile_fail,E0308
/// use rt_core::clock::{Monotonic, UnixTime};
/// let elapsed = Monotonic::now().saturating_since(UnixTime::now());
/// ```
///
/// ```compile_fail,E0369
/// use rt_core::clock::{Monotonic, UnixTime};
/// let elapsed = UnixTime::now() - Monotonic::now();
/// ```
///
/// ```compile_fail,E0308
/// use rt_core::clock::{Monotonic, UnixTime};
/// let late = UnixTime::now() > Monotonic::now();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The origin of the clock; used where "never happened" must be representable.
    pub const ZERO: Self = Self(0);

    /// Reads the clock (a vDSO call, tens of nanoseconds, no system call).
    #[must_use]
    pub fn now() -> Self {
        Self(super::read(libc::CLOCK_MONOTONIC))
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

    /// Time since then; reads the clock.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().saturating_since(self)
    }

    /// Nanoseconds from `other` to here; negative where `other` is later.
    #[must_use]
    pub fn signed_ns_since(self, other: Self) -> i64 {
        let ns = i128::from(self.0) - i128::from(other.0);
        i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
    }

    /// The instant `after` later.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The instant `before` earlier; the clock's origin where there is none.
    #[must_use]
    pub fn minus(self, before: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(before.as_nanos()).unwrap_or(u64::MAX)))
    }
}
