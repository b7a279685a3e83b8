//! What the hops of a frame take, over a window of time.

use std::collections::BTreeMap;

use rt_core::clock::Monotonic;
use rt_core::trace::{HopHistograms, LatencyHistogram, Quantiles};
use serde::{Deserialize, Serialize};

use super::millis;

/// One hop's times within the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HopPicture {
    /// Its name.
    pub hop: String,
    /// How many frames took it.
    pub count: u64,
    /// The median.
    pub p50_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
}

impl HopPicture {
    /// What `hops` has beyond `before`; hops that no frame took are left out.
    pub(crate) fn all(hops: &HopHistograms, before: Option<&HopHistograms>) -> Vec<Self> {
        let windowed = |(hop, times): (rt_core::trace::Hop, &LatencyHistogram)| {
            let earlier = before.and_then(|before| before.get(hop));
            let count = times.count() - earlier.map_or(0, LatencyHistogram::count);
            if count == 0 {
                return None;
            }
            let Quantiles { p50, p95, p99, .. } = since(times, earlier)?;
            let (p50_ms, p95_ms, p99_ms) = (millis(p50), millis(p95), millis(p99));
            Some(Self { hop: hop.name().to_owned(), count, p50_ms, p95_ms, p99_ms })
        };
        hops.iter().filter_map(windowed).collect()
    }
}

/// The quantiles of what was added to `times` since they were `earlier`.
fn since(times: &LatencyHistogram, earlier: Option<&LatencyHistogram>) -> Option<Quantiles> {
    match earlier {
        Some(earlier) => times.since(earlier).quantiles(),
        None => times.quantiles(),
    }
}

/// What had been measured when a window began.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// When.
    pub(crate) at: Monotonic,
    /// Every hop.
    pub(crate) hops: HopHistograms,
    /// Capture to decision of each service.
    pub(crate) totals: BTreeMap<u16, LatencyHistogram>,
}

impl Base {
    /// The beginning of the first window, at the start of the run: nothing had been measured.
    pub(crate) fn beginning(at: Monotonic) -> Self {
        Self { at, hops: HopHistograms::default(), totals: BTreeMap::new() }
    }

    /// The quantiles of what `service` has decided since, of all its decisions' `times`.
    pub(crate) fn quantiles(base: Option<&Self>, service: u16, times: &LatencyHistogram) -> Option<Quantiles> {
        since(times, base.and_then(|base| base.totals.get(&service)))
    }
}
