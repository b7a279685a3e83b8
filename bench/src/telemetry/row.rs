//! What one measurement found.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use telemetry::collector::CollectorReport;

use super::Plan;
use super::producer::Emitted;
use crate::samples::Quantiles;

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Threads that emitted.
    pub producers: usize,
    /// For how long.
    pub seconds: f64,
    /// Records that went the whole way, a second.
    pub records_per_s: f64,
    /// Records that found their ring full.
    pub lost: u64,
    /// Reading the clock and emitting: median over blocks of 64.
    pub emit_p50_ns: u64,
    /// Records a second that were offered.
    pub offered_per_s: f64,
    /// Events in the event log's files.
    pub written: u64,
    /// Of them, those that came after their place in the order of time.
    pub late: u64,
    /// Of them, those whose files made way for newer ones.
    pub expired: u64,
    /// Events that the file system refused.
    pub refused: u64,
    /// Processor time that the collector took for one of them: what it costs on however busy a machine.
    pub collector_ns_per_record: f64,
    /// The most memory the process has had until then, MiB.
    pub peak_rss_mib: u64,
}

impl Row {
    pub(super) fn new(
        plan: Plan,
        elapsed: Duration,
        (taken, collector_cpu): (u64, Duration),
        report: &CollectorReport,
        emitted: Vec<Emitted>,
    ) -> Self {
        let mut emit_ns: Vec<u32> = emitted.into_iter().flat_map(|emitted| emitted.emit_ns).collect();
        let seconds = elapsed.as_secs_f64();
        Self {
            producers: plan.producers,
            seconds,
            records_per_s: taken as f64 / seconds,
            lost: report.records_dropped,
            emit_p50_ns: Quantiles::of(&mut emit_ns).map_or(0, |quantiles| quantiles.p50_ns),
            offered_per_s: plan.records_per_s,
            written: report.events.written,
            late: report.events.late,
            expired: report.events.expired,
            refused: report.events.lost,
            collector_ns_per_record: collector_cpu.as_nanos() as f64 / taken.max(1) as f64,
            peak_rss_mib: peak_rss_mib(),
        }
    }

    /// What is claimed of so many producers and does not hold, in words.
    #[must_use]
    pub fn missed(&self) -> Option<String> {
        let least = match self.producers {
            10 => 4_000_000.0,
            3 => 1_500_000.0,
            _ => return None,
        };
        let enough = self.records_per_s >= least && self.lost == 0 && self.emit_p50_ns <= 50;
        (!enough).then(|| format!("{self}; at least {least} a second, none lost, 50 ns are claimed"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>2} producers  {:>10.0} records/s  {} lost  emit p50 {} ns  {} written, {} late, {} expired, {} \
             refused  collector {:.0} ns/record  peak {} MiB",
            self.producers,
            self.records_per_s,
            self.lost,
            self.emit_p50_ns,
            self.written,
            self.late,
            self.expired,
            self.refused,
            self.collector_ns_per_record,
            self.peak_rss_mib
        )
    }
}

/// The most memory that this process has had; zero where the kernel does not tell.
fn peak_rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}
