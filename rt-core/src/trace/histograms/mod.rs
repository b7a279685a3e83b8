//! One HDR histogram per hop: of one size from the start, mergeable, and exported as text.

mod export;
mod import;
mod latency;
#[cfg(test)]
mod tests;

use std::ops::AddAssign;
use std::time::Duration;

use super::{Hop, HopTimes};
pub use import::ImportError;
pub use latency::{LatencyHistogram, Quantiles};

/// Histograms of every hop; merged with `+=`, across threads, services and runs.
///
/// Made whole at the start (about 220 kB of address space a hop, of which only touched pages become memory), so that
/// recording never allocates. `to_string` exports them and `parse` imports them, for merging what several processes
/// measured:
///
/// ```
/// use rt_core::trace::{Hop, HopHistograms};
/// use std::time::Duration;
/// let mut car = HopHistograms::default();
/// car.record(Hop::Encode, Duration::from_millis(4));
/// let mut cloud = HopHistograms::default();
/// cloud.record(Hop::CloudInference, Duration::from_millis(50));
/// let exported = cloud.to_string();
/// assert!(exported.contains("hop cloud_inference count 1 max_ns 50000000"), "{exported}");
/// car += &exported.parse::<HopHistograms>()?;
/// assert_eq!(car.count(Hop::CloudInference), 1);
/// assert_eq!(car.quantiles(Hop::Encode).map(|times| times.p50), Some(Duration::from_millis(4)));
/// assert_eq!(car.quantiles(Hop::Send), None);
/// # Ok::<(), rt_core::trace::ImportError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HopHistograms([LatencyHistogram; Hop::COUNT]);

impl Default for HopHistograms {
    fn default() -> Self {
        Self(std::array::from_fn(|_| LatencyHistogram::default()))
    }
}

impl HopHistograms {
    /// Adds one frame's time in one hop.
    pub fn record(&mut self, hop: Hop, time: Duration) {
        if let Some(histogram) = self.0.get_mut(hop as usize) {
            histogram.record(time);
        }
    }

    /// As [`Self::record`], of a time in nanoseconds.
    #[inline]
    pub fn record_ns(&mut self, hop: Hop, ns: u64) {
        if let Some(histogram) = self.0.get_mut(hop as usize) {
            histogram.record_one(ns);
        }
    }

    /// Adds the hops that one frame went through.
    pub fn record_times(&mut self, times: &HopTimes) {
        for (&hop, histogram) in Hop::ALL.iter().zip(&mut self.0) {
            if let Some(time) = times.get(hop) {
                histogram.record(time);
            }
        }
    }

    /// How many frames went through `hop`.
    #[must_use]
    pub fn count(&self, hop: Hop) -> u64 {
        self.0.get(hop as usize).map_or(0, LatencyHistogram::count)
    }

    /// The quantiles of `hop`; `None` where no frame went through it.
    #[must_use]
    pub fn quantiles(&self, hop: Hop) -> Option<Quantiles> {
        self.0.get(hop as usize)?.quantiles()
    }

    /// The histogram of `hop`.
    #[must_use]
    pub fn get(&self, hop: Hop) -> Option<&LatencyHistogram> {
        self.0.get(hop as usize)
    }

    /// Each hop with its histogram, in the order a frame takes them.
    pub fn iter(&self) -> impl Iterator<Item = (Hop, &LatencyHistogram)> {
        Hop::ALL.iter().copied().zip(&self.0)
    }
}

impl AddAssign<&Self> for HopHistograms {
    fn add_assign(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }
}
