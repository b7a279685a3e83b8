//! `--verify`: the logs of a run against their specification, every finding with its file and row.

mod cameras;
mod check;
mod decided;
mod images;
mod instants;
mod pairs;
mod ping;
mod queries;
mod schema;
mod served;
mod spill;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use crate::finding::{Finding, Findings, Severity};
use crate::logs::LogKind;
use crate::part::{Table, Wanted, read};
use crate::run::{Log, Run};
use check::Check;
use pairs::Pairs;

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The run.
    pub run: String,
    /// Logs that were checked.
    pub logs: u64,
    /// Part files that were read whole.
    pub parts: u64,
    /// Rows that were checked.
    pub rows: u64,
    /// Findings that contradict the specification, counted also where not all are listed.
    pub errors: u64,
    /// Findings that a reader of the numbers has to know.
    pub warnings: u64,
    /// Frames with a result of the cloud whose way through the transport was looked up in log type 8.
    pub frames_paired: u64,
    /// The findings, worst first; of many alike the first few and how many more.
    pub findings: Vec<Finding>,
}

/// What a log type's own check has to offer; parts come in order.
trait Rows {
    fn part(&mut self, table: &Table, check: &mut Check<'_>);
    /// No part follows.
    fn last(&mut self, _check: &mut Check<'_>) {}
    /// Hands over what other logs are checked against.
    fn end(self: Box<Self>, _log: &Log, _pairs: &mut Pairs) {}
}

fn rows_of(log: &Log) -> Box<dyn Rows> {
    match log.id.kind {
        LogKind::ClientQueries => Box::new(queries::Queries::new(log)),
        LogKind::CameraContexts => Box::new(cameras::Cameras::new(log)),
        LogKind::ServerResults => Box::new(served::Served::new(log)),
        LogKind::PingLoop => Box::<ping::Pings>::default(),
        LogKind::BandwidthStat | LogKind::AllocationStat | LogKind::NetworkStat => Box::<instants::Instants>::default(),
        LogKind::ImageContext => Box::new(images::Images::new(log)),
    }
}

#[derive(Default)]
struct Shared {
    findings: Findings,
    pairs: Pairs,
    parts: u64,
    rows: u64,
}

/// Checks everything of a run.
#[must_use]
pub fn verify(mut run: Run) -> Verification {
    let shared = Mutex::new(Shared::default());
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(run.logs.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(log) = run.logs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    one(&run, log, &shared);
                }
            });
        }
    });
    let Shared { mut findings, pairs, parts, rows } =
        shared.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let frames_paired = pairs.check(&mut findings);
    findings.merge(std::mem::take(&mut run.findings));
    let (errors, warnings) = (findings.count(Severity::Error), findings.count(Severity::Warning));
    let logs = run.logs.len() as u64;
    Verification { run: run.name, logs, parts, rows, errors, warnings, frames_paired, findings: findings.into_sorted() }
}

fn one(run: &Run, log: &Log, shared: &Mutex<Shared>) {
    let mut findings = Findings::default();
    let (mut parts, mut rows) = (0, 0);
    let mut content = rows_of(log);
    let mut spill = spill::Spill::new(log);
    for part in &log.parts {
        let mut check = Check::new(run.relative(&part.path), log, &part.path, &mut findings);
        match read(&part.path, Wanted::All) {
            Ok(table) => {
                parts += 1;
                rows += table.rows() as u64;
                schema::check(log.id.kind, &table, &mut check);
                spill.part(part.number, &table, &mut check);
                content.part(&table, &mut check);
            }
            Err(problem) => check.error("unreadable parts", None, problem.to_string()),
        }
    }
    let mut check = Check::new(log.id.to_string(), log, &log.dir, &mut findings);
    spill.end(&mut check);
    content.last(&mut check);
    let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    content.end(log, &mut shared.pairs);
    shared.findings.merge(findings);
    shared.parts += parts;
    shared.rows += rows;
}
