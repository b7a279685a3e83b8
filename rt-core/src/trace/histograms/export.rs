//! Histograms as text: a line per filled bucket, so that a run's file can be read, compared and merged by anybody.
//!
//! ```text
//! turbo-hops 1
//! bounds_ns 1 60000000000 digits 3
//! hop encode count 3 max_ns 5001000
//! 4001791 2
//! 5001215 1
//! ```

use std::fmt;

use super::HopHistograms;
use super::latency::{DIGITS, HIGHEST_NS, LOWEST_NS};

/// The first line: what this is, and the version of its form.
pub(super) const FIRST_LINE: &str = "turbo-hops 1";

/// The second line: the bounds that buckets follow from.
pub(super) fn bounds_line() -> String {
    format!("bounds_ns {LOWEST_NS} {HIGHEST_NS} digits {DIGITS}")
}

impl fmt::Display for HopHistograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\n{}", bounds_line())?;
        for (hop, histogram) in self.iter().filter(|(_, histogram)| histogram.count() > 0) {
            writeln!(f, "hop {} count {} max_ns {}", hop.name(), histogram.count(), histogram.max_ns)?;
            for (ns, count) in histogram.buckets() {
                writeln!(f, "{ns} {count}")?;
            }
        }
        Ok(())
    }
}
