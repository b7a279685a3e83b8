//! What the collector leaves.

use rt_core::trace::HopHistograms;
use rt_core::trace::counters::ThreadWatch;

use crate::events::EventHealth;
use crate::frames::FrameHealth;
use crate::part_writer::LogHealth;
use crate::stats::RunStats;

/// What is left when the collector ends.
#[derive(Clone, Debug, Default)]
pub struct CollectorReport {
    /// Totals and histograms.
    pub stats: RunStats,
    /// What became of the log rows.
    pub logs: LogHealth,
    /// What became of the raw frames that were to be kept.
    pub frames: FrameHealth,
    /// What became of the event log's events.
    pub events: EventHealth,
    /// Hops that threads stamped by themselves; those of decisions are in [`Self::stats`].
    pub hops: HopHistograms,
    /// Every thread's counters, to be looked at once the threads have ended.
    pub threads: Vec<ThreadWatch>,
    /// Records and stamps lost because a ring was full.
    pub records_dropped: u64,
    /// Requests that this process served (a cloud).
    pub served: u64,
    /// Whether an emitter still existed when the grace of one second was over, so that its last records may be
    /// missing.
    pub cut_short: bool,
}
