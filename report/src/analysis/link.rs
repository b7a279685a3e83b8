//! Log type 5: the state of the link.

use super::{Bins, Times};
use crate::part::{PartProblem, Table};

pub(super) const COLUMNS: &[&str] = &["instant_timestamp", "rtt", "cwnd", "delivery_rate", "app_limited", "estimate"];

/// All samples.
#[derive(Clone, Debug, Default)]
pub struct LinkStats {
    /// How many.
    pub samples: u64,
    /// Those whose rate the application limited, not the network.
    pub app_limited: u64,
    /// Round trips.
    pub rtt: Times,
    /// Over time from the run's start: samples, estimate, delivery rate (bytes/s), round trip (s), window (bytes).
    pub series: Bins<5>,
}

impl LinkStats {
    /// Adds a part.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table) -> Result<(), PartProblem> {
        let (at, rtt) = (table.need_floats("instant_timestamp")?, table.need_floats("rtt")?);
        let windows = table.need_integers("cwnd")?;
        let limited = table.booleans("app_limited").unwrap_or_default();
        self.app_limited += limited.into_iter().filter(|limited| *limited).count() as u64;
        let (estimates, rates) = (table.floats("estimate"), table.floats("delivery_rate"));
        let cell = |cells: &Option<Vec<f64>>, row| cells.as_ref().and_then(|cells: &Vec<f64>| cells.get(row).copied());
        for (row, ((at, rtt), window)) in at.into_iter().zip(rtt).zip(windows).enumerate() {
            self.samples += 1;
            self.rtt.add(rtt);
            let (estimate, rate) = (cell(&estimates, row).unwrap_or(0.0), cell(&rates, row).unwrap_or(0.0));
            self.series.add(at, [1.0, estimate, rate, rtt, window.unwrap_or(0) as f64]);
        }
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.app_limited += other.app_limited;
        self.rtt.merge(&other.rtt);
        self.series.merge(&other.series);
    }
}
