//! The clocks of the logs: seconds since the run's start, and monotonic instants as Unix time.

use rt_core::clock::{ClockAnchor, Monotonic};

/// Turns the monotonic instants of records into what the log columns hold.
///
/// `CLOCK_REALTIME` may be stepped while the program runs, so the anchor that ties the two clocks together is renewed
/// with [`RunClock::refresh`] at every pass of the collector: a record is at most one pass old by then.
///
/// ```
/// use rt_core::clock::{ClockAnchor, Monotonic, UnixTime};
/// use telemetry::run_clock::RunClock;
/// let unix = UnixTime::from_ns(1_700_000_000_000_000_000);
/// let clock = RunClock::new(ClockAnchor { monotonic: Monotonic::from_ns(5_000_000_000), unix });
/// let later = Monotonic::from_ns(5_250_000_000);
/// assert_eq!(clock.since_start_secs(later), 0.25);
/// assert_eq!(clock.unix_secs(later), 1_700_000_000.25);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    start: ClockAnchor,
    anchor: ClockAnchor,
}

impl RunClock {
    /// A clock of the run that began at `start`: an anchor taken first thing in the program.
    #[must_use]
    pub const fn new(start: ClockAnchor) -> Self {
        Self { start, anchor: start }
    }

    /// Reads both clocks again.
    pub fn refresh(&mut self) {
        self.anchor = ClockAnchor::now();
    }

    /// When the run began.
    #[must_use]
    pub const fn start(&self) -> ClockAnchor {
        self.start
    }

    /// Seconds from the run's start to `at` (`instant_timestamp` of the logs); negative before it.
    #[must_use]
    pub fn since_start_secs(&self, at: Monotonic) -> f64 {
        at.signed_ns_since(self.start.monotonic) as f64 / 1e9
    }

    /// Unix time of `at`, seconds.
    #[must_use]
    pub fn unix_secs(&self, at: Monotonic) -> f64 {
        self.anchor.unix_at(at).as_secs_f64()
    }
}

/// `%Y-%m-%d_%H-%M-%S` in local time, as the run directories are named; `None` where the C library knows no local
/// time for it.
#[must_use]
pub fn local_timestamp(unix_secs: i64) -> Option<String> {
    // SAFETY: an all-zero `tm` is valid: integers and a null pointer.
    let mut broken: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right type; `localtime_r` keeps neither.
    if unsafe { libc::localtime_r(&raw const unix_secs, &raw mut broken) }.is_null() {
        return None;
    }
    Some(format!(
        "{:04}-{:02}-{:02}_{:02}-{:02}-{:02}",
        i64::from(broken.tm_year) + 1900,
        broken.tm_mon + 1,
        broken.tm_mday,
        broken.tm_hour,
        broken.tm_min,
        broken.tm_sec
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::clock::UnixTime;

    #[test]
    fn instants_before_the_start_are_negative_and_not_huge() {
        let unix = UnixTime::from_ns(10_000_000_000);
        let clock = RunClock::new(ClockAnchor { monotonic: Monotonic::from_ns(2_000_000_000), unix });
        assert!((clock.since_start_secs(Monotonic::from_ns(500_000_000)) + 1.5).abs() < 1e-9);
        assert!((clock.unix_secs(Monotonic::from_ns(500_000_000)) - 8.5).abs() < 1e-9);
    }

    #[test]
    fn a_refresh_moves_unix_time_but_not_the_run_s_start() {
        let start = ClockAnchor { monotonic: Monotonic::now(), unix: UnixTime::from_ns(1) };
        let mut clock = RunClock::new(start);
        clock.refresh();
        assert_eq!(clock.start(), start);
        assert!(clock.unix_secs(Monotonic::now()) > 1_000_000_000.0);
    }
}
