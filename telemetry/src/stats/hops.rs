//! One histogram per hop.

use std::time::Duration;

use hdrhistogram::Histogram;
use rt_core::hops::{Hop, HopTimes};

/// Resolved down to a microsecond and up to a minute (longer is recorded as a minute), to three digits.
const LOWEST_NS: u64 = 1_000;
const HIGHEST_NS: u64 = 60_000_000_000;
const DIGITS: u8 = 3;

/// The quantiles that reports show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// The median.
    pub p50: Duration,
    /// 95 of 100 are at most this.
    pub p95: Duration,
    /// 99 of 100 are at most this.
    pub p99: Duration,
}

/// Histograms of every hop; merged with [`HopHistograms::add`], across services or runs.
///
/// ```
/// use rt_core::hops::{Hop, HopTimes};
/// use std::time::Duration;
/// use telemetry::stats::HopHistograms;
/// let mut histograms = HopHistograms::default();
/// let mut times = HopTimes::default();
/// times.set(Hop::Encode, Duration::from_millis(4));
/// histograms.record(&times);
/// let p50 = histograms.quantiles(Hop::Encode).map(|quantiles| quantiles.p50.as_micros());
/// assert!(p50.is_some_and(|p50| (3_996..=4_004).contains(&p50)));
/// assert_eq!(histograms.quantiles(Hop::Send), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct HopHistograms(Vec<(Hop, Histogram<u64>)>);

impl HopHistograms {
    /// Adds the hops that one frame went through.
    pub fn record(&mut self, times: &HopTimes) {
        for &hop in Hop::ALL {
            if let Some(time) = times.get(hop)
                && let Some(histogram) = self.of(hop)
            {
                histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
            }
        }
    }

    /// Adds everything that `other` has recorded.
    pub fn add(&mut self, other: &Self) {
        for (hop, theirs) in &other.0 {
            if let Some(mine) = self.of(*hop) {
                // Both have the same bounds, which is all that can differ.
                let _ = mine.add(theirs);
            }
        }
    }

    /// The quantiles of `hop`; `None` where no frame went through it.
    #[must_use]
    pub fn quantiles(&self, hop: Hop) -> Option<Quantiles> {
        let histogram = self.histogram(hop)?;
        let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
        Some(Quantiles { p50: at(0.5), p95: at(0.95), p99: at(0.99) })
    }

    /// The histogram of `hop`, nanoseconds; `None` where no frame went through it.
    #[must_use]
    pub fn histogram(&self, hop: Hop) -> Option<&Histogram<u64>> {
        self.0.iter().find(|(known, _)| *known == hop).map(|(_, histogram)| histogram)
    }

    /// The histogram of `hop`, made where there is none; most processes see few of the hops.
    fn of(&mut self, hop: Hop) -> Option<&mut Histogram<u64>> {
        if self.histogram(hop).is_none() {
            self.0.push((hop, Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS).ok()?));
        }
        self.0.iter_mut().find(|(known, _)| *known == hop).map(|(_, histogram)| histogram)
    }
}
