//! The clock on the wall.

/// Wall-clock time (`CLOCK_REALTIME`) in nanoseconds since the Unix epoch; for logs only, never for a decision.
///
/// It may be stepped back and forth while the program runs, so no two of them make a duration.
///
/// ```
/// use rt_core::clock::UnixTime;
/// let time = UnixTime::from_ns(1_700_000_000_250_000_000);
/// assert_eq!((time.seconds(), time.as_secs_f64()), (1_700_000_000, 1_700_000_000.25));
/// ```
///
/// ```compile_fail,E0369
/// use rt_core::clock::UnixTime;
/// let begun = UnixTime::now();
/// let elapsed = UnixTime::now() - begun;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Reads the clock (a vDSO call, tens of nanoseconds, no system call).
    #[must_use]
    pub fn now() -> Self {
        Self(super::read(libc::CLOCK_REALTIME))
    }

    /// A time from nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as the C library's calendar takes them.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        // At most 2^64 / 10^9, which fits.
        (self.0 / 1_000_000_000).cast_signed()
    }

    /// Seconds since the Unix epoch, as the experiment logs write them; about 0.2 µs is what a double can tell apart.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        // Nanoseconds since 1970 do not fit a double; seconds and the rest do, each by itself.
        (self.0 / 1_000_000_000) as f64 + (self.0 % 1_000_000_000) as f64 / 1e9
    }
}
