//! Where a run of the car logs, and what.

use std::path::{Path, PathBuf};

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::{path, resolve, within};

/// The `run` block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Directory under which each run makes its own, with its start time in the name.
    #[garde(custom(path))]
    pub output_dir: PathBuf,
    /// Rows per part file.
    #[serde(default)]
    #[garde(dive)]
    pub max_entries: MaxEntries,
    /// Log type 1, one row per detected box. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_queries: bool,
    /// Log type 5, the state of the connection. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_bw_stat_log: bool,
    /// Log type 6, the division of the uplink. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_allocation_stat_log: bool,
}

impl RunConfig {
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        resolve(base, &mut self.output_dir);
    }
}

/// Rows that gather in memory before they become a part file, per log type; 1 to 100000, default 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MaxEntries {
    /// Of log type 1.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub client_queries: u32,
    /// Of log type 5.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub bandwidth_stat_log: u32,
    /// Of log type 6.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub allocation_stat_log: u32,
}

impl Default for MaxEntries {
    fn default() -> Self {
        Self { client_queries: 100, bandwidth_stat_log: 100, allocation_stat_log: 100 }
    }
}

fn yes() -> bool {
    true
}
