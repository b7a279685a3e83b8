//! What is read: which parts, and which of their columns.

use std::collections::BTreeMap;

use super::{cameras, images, link, network, ping, queries, served};
use crate::logs::{Columns, LogKind, Origin, Place};
use crate::part::{Wanted, read};
use crate::run::{Log, PartFile, Run};

/// Rows of log type 8 that are read at most. It has a dozen rows for every frame, and what it adds to a report is
/// the distribution of each step, which does not gain from more.
const IMAGE_ROWS: usize = 1_000_000;

/// The work of one pass.
pub(super) struct Plan<'a> {
    pub(super) parts: Vec<(&'a Log, &'a PartFile)>,
    /// Of log type 8, one part in so many is read.
    pub(super) images_one_in: usize,
    /// The run's start on the monotonic clock, s.
    pub(super) start_secs: f64,
    /// The columns that runs of older versions lack, by log.
    pub(super) appended: BTreeMap<LogKind, Vec<String>>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        let images_one_in = images_one_in(run);
        let mut parts = Vec::new();
        for log in &run.logs {
            let step = if log.id.kind == LogKind::ImageContext { images_one_in } else { 1 };
            parts.extend(log.parts.iter().step_by(step).map(|part| (log, part)));
        }
        let appended = LogKind::ALL.map(|kind| (kind, appended(kind)));
        Self { parts, images_one_in, start_secs: start_secs(run), appended: appended.into() }
    }
}

/// The columns that are read of a log; those of log type 6 depend on its services.
pub(super) const fn columns(kind: LogKind) -> Wanted<'static> {
    match kind {
        LogKind::ClientQueries => {
            Wanted::Newest { columns: queries::COLUMNS, may_lack: queries::MAY_LACK, instead: queries::INSTEAD }
        }
        LogKind::CameraContexts => Wanted::Only(cameras::COLUMNS),
        LogKind::ServerResults => Wanted::Only(served::COLUMNS),
        LogKind::PingLoop => Wanted::Only(ping::COLUMNS),
        LogKind::BandwidthStat => Wanted::Only(link::COLUMNS),
        LogKind::AllocationStat => Wanted::All,
        LogKind::NetworkStat => Wanted::Only(network::COLUMNS),
        LogKind::ImageContext => Wanted::Only(images::COLUMNS),
    }
}

/// The names of the columns that were appended to the original's.
fn appended(kind: LogKind) -> Vec<String> {
    let Columns(columns) = Columns::of(kind, &[]);
    let appended = columns.into_iter().filter(|column| column.origin == Origin::Appended);
    appended.map(|column| column.name).collect()
}

fn images_one_in(run: &Run) -> usize {
    let logs: Vec<&Log> = run.of(LogKind::ImageContext).collect();
    let parts: usize = logs.iter().map(|log| log.parts.len()).sum();
    let first = logs.iter().flat_map(|log| &log.parts).find_map(|part| read(&part.path, Wanted::Only(&[])).ok());
    let rows = first.map_or(0, |table| table.rows()).saturating_mul(parts);
    rows.div_ceil(IMAGE_ROWS).max(1)
}

/// Where `run.yaml` does not say when the run began, its first frame does.
fn start_secs(run: &Run) -> f64 {
    if let Some(info) = run.info(Place::Car) {
        return info.start.monotonic_ns as f64 * 1e-9;
    }
    let firsts = run.of(LogKind::ClientQueries).filter_map(|log| {
        let table = log.parts.iter().find_map(|part| read(&part.path, Wanted::Only(&["start_time"])).ok())?;
        table.floats("start_time")?.into_iter().next()
    });
    Some(firsts.fold(f64::INFINITY, f64::min)).filter(|first| first.is_finite()).unwrap_or(0.0)
}
