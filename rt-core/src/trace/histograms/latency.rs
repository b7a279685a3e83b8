//! The distribution of one duration.

use std::ops::AddAssign;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Resolved down to a nanosecond and up to a minute (longer is counted as a minute), to three digits.
pub(super) const LOWEST_NS: u64 = 1;
pub(super) const HIGHEST_NS: u64 = 60_000_000_000;
pub(super) const DIGITS: u8 = 3;

/// The quantiles that reports show; none lies above `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// The median.
    pub p50: Duration,
    /// 95 of 100 are at most this.
    pub p95: Duration,
    /// 99 of 100 are at most this.
    pub p99: Duration,
    /// 999 of 1,000 are at most this.
    pub p999: Duration,
    /// The longest, exactly.
    pub max: Duration,
}

/// An HDR histogram of durations from 1 ns to 60 s, to three digits; recording costs about ten nanoseconds and never
/// allocates.
///
/// ```
/// use rt_core::trace::LatencyHistogram;
/// use std::time::Duration;
/// let mut histogram = LatencyHistogram::default();
/// (1..=1_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
/// let times = histogram.quantiles().ok_or("a thousand were recorded")?;
/// assert!(times.p99 >= Duration::from_micros(990) && times.p99 < Duration::from_micros(992));
/// assert_eq!(times.max, Duration::from_millis(1));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyHistogram {
    /// There unless hdrhistogram refuses bounds that are constants here and tested.
    pub(super) counts: Option<Histogram<u64>>,
    /// The longest time seen, past the histogram's bounds too.
    pub(super) max_ns: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { counts: Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS).ok(), max_ns: 0 }
    }
}

impl LatencyHistogram {
    /// Adds one duration.
    pub fn record(&mut self, time: Duration) {
        self.record_one(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    #[inline]
    pub(super) fn record_one(&mut self, ns: u64) {
        self.record_ns(ns, 1);
        self.max_ns = self.max_ns.max(ns);
    }

    #[inline]
    pub(super) fn record_ns(&mut self, ns: u64, count: u64) {
        if let Some(counts) = &mut self.counts {
            counts.saturating_record_n(ns.min(HIGHEST_NS), count);
        }
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.as_ref().map_or(0, Histogram::len)
    }

    /// The quantiles; `None` where nothing was added.
    #[must_use]
    pub fn quantiles(&self) -> Option<Quantiles> {
        let counts = self.counts.as_ref().filter(|counts| !counts.is_empty())?;
        // A histogram's quantile is the upper end of its bucket, which may lie above the exact maximum.
        let at = |quantile| Duration::from_nanos(counts.value_at_quantile(quantile).min(self.max_ns));
        Some(Quantiles {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: Duration::from_nanos(self.max_ns),
        })
    }

    /// What was added since this was `earlier`, a clone of it; the longest of that is known to three digits only.
    ///
    /// ```
    /// use rt_core::trace::LatencyHistogram;
    /// use std::time::Duration;
    /// let mut histogram = LatencyHistogram::default();
    /// histogram.record(Duration::from_millis(900));
    /// let earlier = histogram.clone();
    /// (0..100).for_each(|_| histogram.record(Duration::from_millis(5)));
    /// let since = histogram.since(&earlier);
    /// assert_eq!(since.count(), 100);
    /// let times = since.quantiles().ok_or("a hundred were recorded")?;
    /// assert!(times.p50 >= Duration::from_millis(5) && times.max < Duration::from_micros(5_010));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        if let (Some(mine), Some(theirs)) = (&mut since.counts, &earlier.counts) {
            // A clone has the same bounds and no higher counts, which is all that subtraction could object to.
            let _ = mine.subtract(theirs);
            since.max_ns = mine.max().min(self.max_ns);
        }
        since
    }

    /// The filled buckets: the longest time in nanoseconds that falls into each, and how many did.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let filled = self.counts.iter().flat_map(Histogram::iter_recorded);
        filled.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }
}

impl AddAssign<&Self> for LatencyHistogram {
    fn add_assign(&mut self, other: &Self) {
        if let (Some(mine), Some(theirs)) = (&mut self.counts, &other.counts) {
            // All have the same bounds, which is all that addition could object to.
            let _ = mine.add(theirs);
        }
        self.max_ns = self.max_ns.max(other.max_ns);
    }
}
