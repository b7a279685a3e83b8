//! The clocks of the logs: seconds since the run's start, and monotonic instants as Unix time.

use rt_core::clock::{Monotonic, unix_now_ns};

/// Where the run's time starts, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStart {
    /// `CLOCK_MONOTONIC` at the start of the process.
    pub monotonic: Monotonic,
    /// `CLOCK_REALTIME` at the same moment, nanoseconds since the Unix epoch.
    pub unix_ns: u64,
}

impl RunStart {
    /// The present moment; called once, first thing in the program.
    #[must_use]
    pub fn now() -> Self {
        Self { monotonic: Monotonic::now(), unix_ns: unix_now_ns() }
    }
}

/// Turns the monotonic instants of records into what the log columns hold.
///
/// `CLOCK_REALTIME` may be stepped while the program runs, so the pair of readings that ties the two clocks together
/// is renewed with [`RunClock::refresh`] at every pass of the collector: a record is at most one pass old by then.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use telemetry::run_clock::{RunClock, RunStart};
/// let start = RunStart { monotonic: Monotonic::from_ns(5_000_000_000), unix_ns: 1_700_000_000_000_000_000 };
/// let clock = RunClock::new(start);
/// let later = Monotonic::from_ns(5_250_000_000);
/// assert_eq!(clock.since_start_secs(later), 0.25);
/// assert_eq!(clock.unix_secs(later), 1_700_000_000.25);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    start: RunStart,
    pair: RunStart,
}

impl RunClock {
    /// A clock of the run that began at `start`.
    #[must_use]
    pub const fn new(start: RunStart) -> Self {
        Self { start, pair: start }
    }

    /// Reads both clocks again.
    pub fn refresh(&mut self) {
        self.pair = RunStart::now();
    }

    /// When the run began.
    #[must_use]
    pub const fn start(&self) -> RunStart {
        self.start
    }

    /// Seconds from the run's start to `at` (`instant_timestamp` of the logs); negative before it.
    #[must_use]
    pub fn since_start_secs(&self, at: Monotonic) -> f64 {
        signed_ns(at, self.start.monotonic) as f64 / 1e9
    }

    /// Unix time of `at`, seconds.
    #[must_use]
    pub fn unix_secs(&self, at: Monotonic) -> f64 {
        let unix_ns = self.pair.unix_ns.saturating_add_signed(signed_ns(at, self.pair.monotonic));
        // Nanoseconds since 1970 do not fit a double; seconds and the rest do, each by itself.
        (unix_ns / 1_000_000_000) as f64 + (unix_ns % 1_000_000_000) as f64 / 1e9
    }
}

fn signed_ns(at: Monotonic, from: Monotonic) -> i64 {
    i64::try_from(i128::from(at.as_ns()) - i128::from(from.as_ns())).unwrap_or(i64::MAX)
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

    #[test]
    fn instants_before_the_start_are_negative_and_not_huge() {
        let clock = RunClock::new(RunStart { monotonic: Monotonic::from_ns(2_000_000_000), unix_ns: 10_000_000_000 });
        assert!((clock.since_start_secs(Monotonic::from_ns(500_000_000)) + 1.5).abs() < 1e-9);
        assert!((clock.unix_secs(Monotonic::from_ns(500_000_000)) - 8.5).abs() < 1e-9);
    }

    #[test]
    fn a_refresh_moves_unix_time_but_not_the_run_s_start() {
        let start = RunStart { monotonic: Monotonic::now(), unix_ns: 1 };
        let mut clock = RunClock::new(start);
        clock.refresh();
        assert_eq!(clock.start(), start);
        assert!(clock.unix_secs(Monotonic::now()) > 1_000_000_000.0);
    }
}
