//! One pass over all parts of a run, whatever its length, into totals, histograms and series of bounded size.

mod allocation;
mod bins;
mod cameras;
mod clock;
mod images;
mod link;
mod network;
mod ping;
mod plan;
mod queries;
mod served;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

pub use allocation::AllocationStats;
pub use bins::Bins;
pub use cameras::CameraStats;
pub use clock::{ClockStep, ClockWatch};
pub use images::{ImageStats, StepKey};
pub use link::LinkStats;
pub use network::NetworkStats;
pub use ping::{LOST_PING_SECS, PingStats};
pub use queries::{QueryStats, SERIES, Stage};
pub use served::{ServedStage, ServedStats};
pub use times::Times;

use crate::finding::{Finding, Findings, Severity};
use crate::logs::{LogKind, Place};
use crate::part::{PartProblem, Table, read};
use crate::run::{Log, PartFile, Run};

/// Everything that the logs of a run say, added up.
#[derive(Default)]
pub struct Analysis {
    /// Log type 1 by service.
    pub queries: BTreeMap<u16, QueryStats>,
    /// Log type 2 by service.
    pub cameras: BTreeMap<u16, CameraStats>,
    /// Log type 3 by service.
    pub served: BTreeMap<u16, ServedStats>,
    /// Log type 4.
    pub ping: PingStats,
    /// Log type 5.
    pub link: LinkStats,
    /// Log type 6.
    pub allocation: AllocationStats,
    /// Log type 7 by side and service.
    pub network: BTreeMap<(Place, u16), NetworkStats>,
    /// Log type 8.
    pub images: ImageStats,
    /// Both clocks beside each other.
    pub clock: ClockWatch,
    /// Rows read, of all logs.
    pub rows: u64,
    /// Parts that could not be read.
    pub unreadable: u64,
    /// What was wrong with parts.
    pub findings: Findings,
    older: BTreeMap<LogKind, BTreeSet<String>>,
}

impl Analysis {
    /// Reads every part of the run; those that cannot be read are findings, and the others count.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let plan = plan::Plan::of(run);
        let next = AtomicUsize::new(0);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut total = std::thread::scope(|scope| {
            let work = || {
                let mut mine = Self::default();
                while let Some((log, part)) = plan.parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    mine.take(run, &plan, log, part);
                }
                mine
            };
            let threads: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
            let mut total = work();
            for thread in threads {
                match thread.join() {
                    Ok(theirs) => total.merge(theirs),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            total
        });
        total.images.one_in = plan.images_one_in;
        for (kind, columns) in std::mem::take(&mut total.older) {
            let columns: Vec<String> = columns.into_iter().collect();
            let text = format!("is of an older version: no column {}; reported without", columns.join(", "));
            let finding = Finding { severity: Severity::Warning, file: kind.name().to_owned(), row: None, text };
            total.findings.add("older versions", kind.name(), finding);
        }
        total
    }

    fn take(&mut self, run: &Run, plan: &plan::Plan<'_>, log: &Log, part: &PartFile) {
        let taken = read(&part.path, plan::columns(log.id.kind)).and_then(|table| {
            self.note_age(plan, log.id.kind, &table);
            self.rows += table.rows() as u64;
            self.add(plan, log, &table)
        });
        if let Err(problem) = taken {
            self.unreadable += 1;
            let file = run.relative(&part.path);
            let finding = Finding { severity: Severity::Error, file, row: None, text: problem.to_string() };
            self.findings.add("unreadable parts", &log.id.to_string(), finding);
        }
    }

    fn add(&mut self, plan: &plan::Plan<'_>, log: &Log, table: &Table) -> Result<(), PartProblem> {
        let service = log.id.service.unwrap_or_default();
        match log.id.kind {
            LogKind::ClientQueries => {
                self.clock.add(table);
                self.queries.entry(service).or_default().add(table, plan.start_secs)
            }
            LogKind::CameraContexts => self.cameras.entry(service).or_default().add(table),
            LogKind::ServerResults => self.served.entry(service).or_default().add(table),
            LogKind::PingLoop => self.ping.add(table),
            LogKind::BandwidthStat => self.link.add(table),
            LogKind::AllocationStat => self.allocation.add(table),
            LogKind::NetworkStat => self.network.entry((log.place, service)).or_default().add(table),
            LogKind::ImageContext => self.images.add(table, log),
        }
    }

    fn note_age(&mut self, plan: &plan::Plan<'_>, kind: LogKind, table: &Table) {
        let appended = plan.appended.get(&kind).into_iter().flatten();
        let mut lacking = appended.filter(|name| !table.has(name)).peekable();
        if lacking.peek().is_some() {
            self.older.entry(kind).or_default().extend(lacking.cloned());
        }
    }

    fn merge(&mut self, other: Self) {
        for (service, theirs) in other.queries {
            self.queries.entry(service).or_default().merge(theirs);
        }
        for (service, theirs) in other.cameras {
            self.cameras.entry(service).or_default().merge(&theirs);
        }
        for (service, theirs) in other.served {
            self.served.entry(service).or_default().merge(theirs);
        }
        self.ping.merge(&other.ping);
        self.link.merge(&other.link);
        self.allocation.merge(&other.allocation);
        for (key, theirs) in other.network {
            self.network.entry(key).or_default().merge(&theirs);
        }
        self.images.merge(other.images);
        self.clock.merge(other.clock);
        self.rows += other.rows;
        self.unreadable += other.unreadable;
        self.findings.merge(other.findings);
        for (kind, columns) in other.older {
            self.older.entry(kind).or_default().extend(columns);
        }
    }
}
