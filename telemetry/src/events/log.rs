//! The event log: the stream of events as files, everything counted.

use std::path::Path;

use rt_core::clock::{ClockAnchor, Monotonic};

use super::segments::Segments;
use super::{Event, EventSink};

/// What became of the events; no number ever falls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventHealth {
    /// Written.
    pub written: u64,
    /// Of them, those that came after their place in the order had been written; they are marked.
    pub late: u64,
    /// Written, and removed with the oldest files when the quota was reached.
    pub expired: u64,
    /// Not written: the file system refused.
    pub lost: u64,
    /// Its last words.
    pub last_error: Option<String>,
}

/// The event log of one process.
pub struct EventLog(Segments);

impl EventLog {
    /// A log in `dir`, which is made when the first event comes; its files take `quota_bytes` at the most.
    #[must_use]
    pub fn new(dir: &Path, quota_bytes: u64, start: ClockAnchor) -> Self {
        Self(Segments::new(dir, quota_bytes, start))
    }

    /// What became of the events so far; `late` is known to the stream alone.
    pub(super) fn health(&self) -> EventHealth {
        let written = self.0.health();
        EventHealth {
            written: written.written,
            late: 0,
            expired: written.expired,
            lost: written.lost,
            last_error: written.last_error.clone(),
        }
    }
}

impl EventSink for EventLog {
    fn begin(&mut self, sources: &[String]) {
        self.0.name_sources(sources.to_vec());
    }

    fn events(&mut self, events: &[Event]) {
        self.0.extend(events);
    }

    fn settle(&mut self, _: Monotonic) {
        self.0.flush();
    }

    fn finish(&mut self) {
        self.0.flush();
        self.0.finish();
    }
}
