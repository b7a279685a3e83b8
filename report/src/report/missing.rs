//! What the numbers do not know.

use serde::Serialize;

use super::TelemetryLosses;
use crate::finding::Finding;

/// What is missing or was lost; all zero in a run whose numbers are whole.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Missing {
    /// Part files that ought to be there, by the numbers of those that are.
    pub missing_parts: u64,
    /// Part files that could not be read.
    pub unreadable_parts: u64,
    /// Part files that a killed run did not complete.
    pub unfinished_parts: u64,
    /// Frames without a decision in the log though later ones have one.
    pub frames_without_decision: u64,
    /// Things that threads did not hand on because there was no room (`drops` of `threads.csv`).
    pub dropped_by_threads: u64,
    /// What the event logs say of the telemetry itself.
    pub telemetry: TelemetryLosses,
    /// Files that belong to no log.
    pub foreign_files: u64,
    /// Steps of the Unix clock during the run, s.
    pub clock_steps: Vec<f64>,
    /// All of it and more in words, worst first.
    pub findings: Vec<Finding>,
}

impl Missing {
    /// Whether data is missing or was lost.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.missing_parts + self.unreadable_parts + self.unfinished_parts + self.frames_without_decision > 0
            || self.dropped_by_threads + self.telemetry.dropped + self.telemetry.unreadable_files > 0
    }
}
