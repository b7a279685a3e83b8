//! Durations of one kind, from log columns in seconds.

use std::time::Duration;

use rt_core::trace::{LatencyHistogram, Quantiles};

/// A histogram that is made when the first time comes, because most of those a report could have stay empty and each
/// takes 220 kB.
#[derive(Clone, Debug, Default)]
pub struct Times(Option<Box<LatencyHistogram>>);

impl Times {
    /// Adds a time in seconds; what is no duration (NaN, negative) is left out.
    pub fn add(&mut self, secs: f64) {
        if let Ok(time) = Duration::try_from_secs_f64(secs) {
            self.0.get_or_insert_default().record(time);
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        if let Some(theirs) = &other.0 {
            *self.0.get_or_insert_default().as_mut() += theirs;
        }
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |histogram| histogram.count())
    }

    /// The quantiles; `None` where nothing was added.
    #[must_use]
    pub fn quantiles(&self) -> Option<Quantiles> {
        self.0.as_ref()?.quantiles()
    }

    /// The filled buckets: longest time in nanoseconds, and how many.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().flat_map(|histogram| histogram.buckets())
    }
}
