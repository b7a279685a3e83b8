//! Distributions as reports show them.

use std::time::Duration;

use rt_core::trace::Quantiles;
use serde::Serialize;

use crate::analysis::Times;

/// Quantiles of a duration, ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// How many there were.
    pub count: u64,
    /// The median.
    pub p50: f64,
    /// 95 of 100 are at most this.
    pub p95: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// 999 of 1,000 are at most this.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// A named distribution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HopTimes {
    /// Which hop, stage or step.
    pub name: String,
    /// Its times, ms.
    #[serde(flatten)]
    pub ms: Quantile,
    /// Its shape: the share of all times in each of 16 equal stretches of a logarithmic axis from the shortest to the
    /// longest.
    pub shape: Vec<f64>,
}

/// Stretches of [`HopTimes::shape`].
const STRETCHES: usize = 16;

impl Quantile {
    pub(super) fn of(count: u64, quantiles: &Quantiles) -> Self {
        let ms = |time: Duration| time.as_nanos() as f64 * 1e-6;
        Self {
            count,
            p50: ms(quantiles.p50),
            p95: ms(quantiles.p95),
            p99: ms(quantiles.p99),
            p999: ms(quantiles.p999),
            max: ms(quantiles.max),
        }
    }

    /// `None` where nothing was measured.
    pub(super) fn from(times: &Times) -> Option<Self> {
        times.quantiles().map(|quantiles| Self::of(times.count(), &quantiles))
    }
}

impl HopTimes {
    pub(super) fn new(name: &str, ms: Quantile, buckets: impl Iterator<Item = (u64, u64)> + Clone) -> Self {
        Self { name: name.to_owned(), ms, shape: shape(buckets) }
    }

    /// `None` where nothing was measured.
    pub(super) fn from(name: &str, times: &Times) -> Option<Self> {
        let ms = Quantile::from(times)?;
        let buckets: Vec<(u64, u64)> = times.buckets().collect();
        Some(Self::new(name, ms, buckets.into_iter()))
    }
}

fn shape(buckets: impl Iterator<Item = (u64, u64)> + Clone) -> Vec<f64> {
    let log = |ns: u64| (ns.max(1) as f64).ln();
    let (low, high) = buckets
        .clone()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (ns, _)| (low.min(log(ns)), high.max(log(ns))));
    let mut shape = vec![0.0; STRETCHES];
    let total: u64 = buckets.clone().map(|(_, count)| count).sum();
    for (ns, count) in buckets {
        let place = if high > low { (log(ns) - low) / (high - low) * STRETCHES as f64 } else { 0.0 };
        if let Some(stretch) = shape.get_mut((place as usize).min(STRETCHES - 1)) {
            *stretch += count as f64 / total as f64;
        }
    }
    shape
}
