//! How the uplink is divided and when a decision is made.

use std::path::{Path, PathBuf};

use allocation::policy::PolicyName;
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::{path, resolve, within};
use crate::text;

/// The `allocation` block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct AllocationConfig {
    /// `turbo`, `prototype`, `on-vehicle`, `equal-split` or `fixed:<config>`. Default `turbo`.
    #[serde(default = "turbo", with = "text")]
    #[garde(custom(without_foresight))]
    pub policy: PolicyName,
    /// The utility table.
    #[garde(custom(path))]
    pub table: PathBuf,
    /// The uplink is divided anew at the latest this long after the last time, 10 to 1000 ms. Default 100.
    #[serde(default = "hundred")]
    #[garde(custom(within(10.0, 1000.0, "ms")))]
    pub max_period_ms: f64,
    /// How often an idle uplink is probed for its capacity, 50 to 60000 ms. Default 500.
    #[serde(default = "five_hundred")]
    #[garde(custom(within(50.0, 60_000.0, "ms")))]
    pub probe_period_ms: f64,
    /// A service changes to a more accurate configuration only if that gains more than this accuracy, 0 to 1.
    /// Default 0.005.
    #[serde(default = "half_a_point")]
    #[garde(custom(within(0.0, 1.0, "of accuracy")))]
    pub hysteresis: f64,
    /// What a megabyte (10⁶ bytes) on the uplink costs, in weighted accuracy of one frame, 0 to 1000: `turbo` sends a
    /// frame only where it gains more than its bytes cost. Default 0.
    #[serde(default)]
    #[garde(custom(within(0.0, allocation::problem::MAX_COST_PER_MB, "of weighted accuracy per MB")))]
    pub cost_per_mb: f64,
}

/// The `decision` block.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct DecisionConfig {
    /// How long before the deadline the decision is made, 0 to 1000 ms; less than every service's `slo_ms`.
    #[garde(custom(within(0.0, 1000.0, "ms")))]
    pub margin_ms: f64,
}

impl AllocationConfig {
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        resolve(base, &mut self.table);
    }
}

/// A car cannot know what its link will do.
fn without_foresight(policy: &PolicyName, _: &()) -> garde::Result {
    match policy {
        PolicyName::Oracle => Err(garde::Error::new(
            "is oracle, which knows the future and runs in `turbo simulate` alone; expected turbo, prototype, on-vehicle, equal-split or fixed:<config>",
        )),
        _ => Ok(()),
    }
}

fn turbo() -> PolicyName {
    PolicyName::Turbo
}

fn hundred() -> f64 {
    100.0
}

fn five_hundred() -> f64 {
    500.0
}

fn half_a_point() -> f64 {
    0.005
}
