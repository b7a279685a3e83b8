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
    /// Log type 2, one row per captured frame. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub camera_contexts: bool,
    /// Which raw frames are kept beside log type 2. Default none.
    #[serde(default)]
    #[garde(dive)]
    pub save_frames: SaveFrames,
    /// Log type 4, one row per ping. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub ping_loop: bool,
    /// Time between two pings, 10 to 60000 ms. Default 500.
    #[serde(default = "half_a_second")]
    #[garde(custom(within(10.0, 60_000.0, "ms")))]
    pub ping_interval_ms: u32,
    /// Log type 5, the state of the connection. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_bw_stat_log: bool,
    /// Log type 6, the division of the uplink. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_allocation_stat_log: bool,
    /// Log type 7, bytes carried per service. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_network_stat_log: bool,
    /// Log type 8 of results. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_incoming_image_context_log: bool,
    /// Log type 8 of frames. Default true.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub client_enable_outgoing_image_context_log: bool,
    /// Time between two rows of log type 7, 10 to 60000 ms. Default 100.
    #[serde(default = "tenth_of_a_second")]
    #[garde(custom(within(10.0, 60_000.0, "ms")))]
    pub logging_interval_ms: u32,
    /// The most the event log may take, 0 (no event log) to 1048576 MiB; its oldest files make way. Default 1024.
    #[serde(default = "gibibyte")]
    #[garde(custom(within(0.0, 1_048_576.0, "MiB")))]
    pub event_log_quota_mib: u32,
}

impl RunConfig {
    /// Switches off every log, raw frames and the event log.
    pub fn log_nothing(&mut self) {
        let Self {
            output_dir: _,
            max_entries: _,
            client_queries,
            camera_contexts,
            save_frames,
            ping_loop,
            ping_interval_ms: _,
            client_enable_bw_stat_log,
            client_enable_allocation_stat_log,
            client_enable_network_stat_log,
            client_enable_incoming_image_context_log,
            client_enable_outgoing_image_context_log,
            logging_interval_ms: _,
            event_log_quota_mib,
        } = self;
        for log in [
            client_queries,
            camera_contexts,
            ping_loop,
            client_enable_bw_stat_log,
            client_enable_allocation_stat_log,
            client_enable_network_stat_log,
            client_enable_incoming_image_context_log,
            client_enable_outgoing_image_context_log,
        ] {
            *log = false;
        }
        *save_frames = SaveFrames::None;
        *event_log_quota_mib = 0;
    }

    pub(super) fn resolve_paths(&mut self, base: &Path) {
        resolve(base, &mut self.output_dir);
    }
}

/// Which raw frames are kept: `all`, `every: n` (the first and each n-th after it) or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "snake_case")]
pub enum SaveFrames {
    /// Every frame, as the original did.
    All,
    /// Every n-th, 1 to 1000000.
    Every(#[garde(custom(within(1.0, 1_000_000.0, "frames")))] u32),
    /// None.
    #[default]
    None,
}

/// Rows that gather in memory before they become a part file, per log type; 1 to 100000, default 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MaxEntries {
    /// Of log type 1.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub client_queries: u32,
    /// Of log type 2.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub camera_contexts: u32,
    /// Of log type 4.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub ping_loop: u32,
    /// Of log type 5.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub bandwidth_stat_log: u32,
    /// Of log type 6.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub allocation_stat_log: u32,
    /// Of log type 7.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub network_stat_log: u32,
    /// Of log type 8.
    #[garde(custom(within(1.0, 100_000.0, "rows")))]
    pub image_context_log: u32,
}

impl Default for MaxEntries {
    fn default() -> Self {
        Self {
            client_queries: 100,
            camera_contexts: 100,
            ping_loop: 100,
            bandwidth_stat_log: 100,
            allocation_stat_log: 100,
            network_stat_log: 100,
            image_context_log: 100,
        }
    }
}

fn yes() -> bool {
    true
}

fn half_a_second() -> u32 {
    500
}

fn tenth_of_a_second() -> u32 {
    100
}

fn gibibyte() -> u32 {
    1_024
}
