//! Where the cloud logs, and what.

use std::path::PathBuf;

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::{path, within};

/// The `logs` block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct CloudLogs {
    /// Directory under which each run makes its own, with its start time in the name.
    #[garde(custom(path))]
    pub output_dir: PathBuf,
    /// Log type 3, one row per result. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub server_results: bool,
    /// Rows per part file of each log, 1 to 100000. Default 100.
    #[serde(default = "hundred")]
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub max_entries: u32,
    /// Accepted and without effect, as in the original. Default false.
    #[serde(default)]
    #[garde(skip)]
    pub server_enable_bw_stat_log: bool,
    /// Accepted and without effect, as in the original. Default false.
    #[serde(default)]
    #[garde(skip)]
    pub server_enable_allocation_stat_log: bool,
    /// Log type 7, bytes carried per service of all cars. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub server_enable_network_stat_log: bool,
    /// Log type 8 of frames. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub server_enable_incoming_image_context_log: bool,
    /// Log type 8 of results. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub server_enable_outgoing_image_context_log: bool,
    /// Time between two rows of log type 7, 10 to 60000 ms. Default 100.
    #[serde(default = "hundred")]
    #[garde(custom(within(10.0, 60_000.0, "ms")))]
    pub logging_interval_ms: u32,
    /// The most the event log may take, 0 (no event log) to 1048576 MiB; its oldest files make way. Default 1024.
    #[serde(default = "gibibyte")]
    #[garde(custom(within(0.0, 1_048_576.0, "MiB")))]
    pub event_log_quota_mib: u32,
}

fn hundred() -> u32 {
    100
}

fn gibibyte() -> u32 {
    1_024
}

fn yes() -> bool {
    true
}
