//! The report as data: what `--json` prints, and what the terminal, the page and comparisons are made of.

mod bandwidth;
mod build;
mod latency;
mod missing;
mod series;
mod services;
mod telemetry;
mod utility;

use std::collections::BTreeMap;

use serde::Serialize;

pub use bandwidth::Bandwidth;
pub use build::{Measured, build};
pub use latency::{HopTimes, Quantile};
pub use missing::Missing;
pub use series::{Point, SeriesReport};
pub use services::{CameraReport, CloudReport, ServiceReport};
pub use telemetry::{SourceLoss, TelemetryLosses};
pub use utility::Utility;

/// A run's report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was run.
    pub run: RunReport,
    /// What is not in the numbers below; to be read first.
    pub missing: Missing,
    /// Every service, and after them all together (`service` null).
    pub services: Vec<ServiceReport>,
    /// Every hop of a frame's way as the program measured it (`hops.txt`), in the way's order; ms.
    pub hops: Vec<HopTimes>,
    /// What the cloud served, by service.
    pub cloud: Vec<CloudReport>,
    /// Every step of the transport (log type 8), ms.
    pub transport: Vec<HopTimes>,
    /// One part in so many of log type 8 was read for it.
    pub transport_one_part_in: usize,
    /// Expected against delivered.
    pub utility: Option<Utility>,
    /// What the link had, what was given, what was used.
    pub bandwidth: Bandwidth,
    /// Frames that did not reach the cloud and back in time, by reason; and those the cameras dropped.
    pub drops: BTreeMap<String, u64>,
    /// The cameras.
    pub cameras: Vec<CameraReport>,
    /// Every thread's counters, as `threads.csv` has them.
    pub threads: Vec<BTreeMap<String, String>>,
    /// All services over time.
    pub series: SeriesReport,
}

/// What was run, and where.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// The timestamp in the directories' names.
    pub name: String,
    /// The directories.
    pub directories: Vec<String>,
    /// The program's version.
    pub version: Option<String>,
    /// The source's revision.
    pub git_revision: Option<String>,
    /// The car's machine.
    pub host: Option<String>,
    /// From the run's start to the last decision, s.
    pub seconds: f64,
    /// Rows that were read.
    pub rows: u64,
    /// Part files that were read.
    pub parts: u64,
    /// Other runs in the same directory, by timestamp.
    pub others: Vec<String>,
}
