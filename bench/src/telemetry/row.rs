//! What one measurement found.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use telemetry::collector::CollectorReport;

use super::race::Raced;
use super::{Peer, Plan};
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
    /// Processor time of all threads, emitting and having the disk follow included, for one of them.
    pub cpu_ns_per_record: f64,
    /// The most memory the process has had until then, MiB.
    pub peak_rss_mib: u64,
}

impl Row {
    pub(super) fn new(plan: Plan, taken: u64, mut raced: Raced<CollectorReport>) -> Self {
        let report = &raced.consumed;
        let seconds = raced.elapsed.as_secs_f64();
        Self {
            producers: plan.producers,
            seconds,
            records_per_s: taken as f64 / seconds,
            lost: report.records_dropped,
            emit_p50_ns: Quantiles::of(&mut raced.emit_ns).map_or(0, |quantiles| quantiles.p50_ns),
            offered_per_s: plan.records_per_s,
            written: report.events.written,
            late: report.events.late,
            expired: report.events.expired,
            refused: report.events.lost,
            collector_ns_per_record: per_record(raced.consumer_cpu, taken),
            cpu_ns_per_record: per_record(raced.cpu, taken),
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
             refused  collector {:.0} of {:.0} ns/record  peak {} MiB",
            self.producers,
            self.records_per_s,
            self.lost,
            self.emit_p50_ns,
            self.written,
            self.late,
            self.expired,
            self.refused,
            self.collector_ns_per_record,
            self.cpu_ns_per_record,
            self.peak_rss_mib
        )
    }
}

fn per_record(time: Duration, records: u64) -> f64 {
    time.as_nanos() as f64 / records.max(1) as f64
}

/// The same records at the same rate, by a peer.
#[derive(Clone, Debug, Serialize)]
pub struct PeerRow {
    /// Which.
    pub name: &'static str,
    /// Threads that emitted.
    pub producers: usize,
    /// For how long.
    pub seconds: f64,
    /// Records that were not lost, a second.
    pub records_per_s: f64,
    /// Records that found no room.
    pub lost: u64,
    /// Reading the clock and emitting: median over blocks of 64.
    pub emit_p50_ns: u64,
    /// Records a second that were offered; a peer whose emit takes longer than its time is not offered all of them.
    pub offered_per_s: f64,
    /// Processor time of all threads for one record that was not lost.
    pub cpu_ns_per_record: f64,
}

impl PeerRow {
    pub(super) fn new<C>(peer: Peer, plan: Plan, lost: u64, mut raced: Raced<C>) -> Self {
        let seconds = raced.elapsed.as_secs_f64();
        let carried = raced.records.saturating_sub(lost);
        Self {
            name: peer.name(),
            producers: plan.producers,
            seconds,
            records_per_s: carried as f64 / seconds,
            lost,
            emit_p50_ns: Quantiles::of(&mut raced.emit_ns).map_or(0, |quantiles| quantiles.p50_ns),
            offered_per_s: plan.records_per_s,
            cpu_ns_per_record: per_record(raced.cpu, carried),
        }
    }
}

impl fmt::Display for PeerRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>2} producers  {:>10.0} records/s  {} lost  emit p50 {} ns  {:.0} ns/record in all  ({})",
            self.producers, self.records_per_s, self.lost, self.emit_p50_ns, self.cpu_ns_per_record, self.name
        )
    }
}

/// How turbo compares with a peer at the same load.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    /// The peer.
    pub against: &'static str,
    /// Threads that emitted.
    pub producers: usize,
    /// Records a second that were carried, turbo's over the peer's.
    pub records_per_s: f64,
    /// What an emit costs, the peer's over turbo's.
    pub emit_p50: f64,
    /// What a record costs in all, the peer's over turbo's.
    pub cpu_per_record: f64,
}

impl Ratio {
    /// Of rows with the same load.
    #[must_use]
    pub fn of(row: &Row, peer: &PeerRow) -> Self {
        Self {
            against: peer.name,
            producers: row.producers,
            records_per_s: row.records_per_s / peer.records_per_s.max(1.0),
            emit_p50: peer.emit_p50_ns as f64 / row.emit_p50_ns.max(1) as f64,
            cpu_per_record: peer.cpu_ns_per_record / row.cpu_ns_per_record.max(1.0),
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>2} producers  {:.2} times the records, {:.1} times cheaper to emit, {:.1} times in all  (against {})",
            self.producers, self.records_per_s, self.emit_p50, self.cpu_per_record, self.against
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
