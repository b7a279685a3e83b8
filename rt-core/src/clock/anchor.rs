//! The one way from the clock that decides to the clock on the wall.

use super::{Monotonic, UnixTime};

/// Both clocks at one moment, which is what ties a monotonic instant to a time that people read.
///
/// The wall clock may be stepped after the reading; whoever writes logs over hours takes a new anchor now and then.
///
/// ```
/// use rt_core::clock::{ClockAnchor, Monotonic, UnixTime};
/// use std::time::Duration;
/// let anchor = ClockAnchor {
///     monotonic: Monotonic::from_ns(5_000_000_000),
///     unix: UnixTime::from_ns(1_700_000_000_000_000_000),
/// };
/// let later = anchor.monotonic.plus(Duration::from_millis(250));
/// assert_eq!(anchor.unix_at(later).as_secs_f64(), 1_700_000_000.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockAnchor {
    /// The clock that decides.
    pub monotonic: Monotonic,
    /// The clock on the wall at the same moment.
    pub unix: UnixTime,
}

impl ClockAnchor {
    /// Reads both clocks, the wall's between two readings of the other, whose middle is taken for its moment.
    #[must_use]
    pub fn now() -> Self {
        let before = Monotonic::now();
        let unix = UnixTime::now();
        let between = Monotonic::now().saturating_since(before);
        Self { monotonic: before.plus(between / 2), unix }
    }

    /// What the wall clock showed at `at`, had it not been stepped between then and the anchor's reading.
    #[must_use]
    pub fn unix_at(&self, at: Monotonic) -> UnixTime {
        UnixTime::from_ns(self.unix.as_ns().saturating_add_signed(at.signed_ns_since(self.monotonic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn instants_before_the_anchor_are_earlier_and_those_before_1970_are_1970() {
        let anchor = ClockAnchor { monotonic: Monotonic::from_ns(2_000), unix: UnixTime::from_ns(10_000) };
        assert_eq!(anchor.unix_at(Monotonic::from_ns(500)), UnixTime::from_ns(8_500));
        assert_eq!(anchor.unix_at(Monotonic::from_ns(u64::MAX)), UnixTime::from_ns(10_000 + i64::MAX as u64));
        let young = ClockAnchor { unix: UnixTime::from_ns(3), ..anchor };
        assert_eq!(young.unix_at(Monotonic::ZERO), UnixTime::from_ns(0));
    }

    #[test]
    fn an_anchor_lies_between_readings_before_and_after_it() {
        let before = Monotonic::now();
        let anchor = ClockAnchor::now();
        assert!(anchor.monotonic >= before && anchor.monotonic <= Monotonic::now());
        assert!(anchor.unix_at(before.plus(Duration::from_secs(1))) > anchor.unix);
    }
}
