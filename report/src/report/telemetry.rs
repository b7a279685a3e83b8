//! What the telemetry lost of itself, by the event logs' own records: a ring that was full is a record there.

use std::path::{Path, PathBuf};

use serde::Serialize;
use telemetry::events::EventLosses;

use crate::finding::{Finding, Findings, Severity};
use crate::run::{Run, RunDir};
use crate::text::plain;

/// What the event logs of a run say was lost, or came late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TelemetryLosses {
    /// Events in the files that are there.
    pub events: u64,
    /// Records that found their ring full; neither the event log nor any other log has them.
    pub dropped: u64,
    /// Records that are there, marked, but not at their place in the order of time.
    pub late: u64,
    /// Files of event logs that made way for newer ones when the quota was reached; what was lost then is not known here.
    pub expired_files: u64,
    /// Files that are no event logs of this version, or could not be read.
    pub unreadable_files: u64,
    /// Every ring with a loss or a late record.
    pub sources: Vec<SourceLoss>,
}

/// What one ring lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLoss {
    /// Whose: car or cloud.
    pub side: &'static str,
    /// The thread, or the kind of record and its number.
    pub source: String,
    /// Records that found the ring full.
    pub dropped: u64,
    /// Records that came late.
    pub late: u64,
}

impl TelemetryLosses {
    /// Reads the event logs of every directory of the run.
    pub(super) fn of(run: &Run, findings: &mut Findings) -> Self {
        let mut all = Self::default();
        run.dirs.iter().filter(|dir| !dir.events.is_empty()).for_each(|dir| all.take(run, dir, findings));
        all
    }

    fn take(&mut self, run: &Run, dir: &RunDir, findings: &mut Findings) {
        let mut say = |severity, path: &Path, kind: &'static str, log: &str, text: String| {
            findings.add(kind, log, Finding { severity, file: run.relative(path), row: None, text });
        };
        let mut losses = EventLosses::default();
        for path in &dir.events {
            if let Err(error) = losses.add(path) {
                self.unreadable_files += 1;
                say(Severity::Error, path, "unreadable event files", "events", plain(&error.to_string()));
            }
        }
        self.events += losses.events;
        self.dropped += losses.dropped();
        self.late += losses.late();
        let folder = dir.events.first().and_then(|path| path.parent()).unwrap_or(&dir.path).to_owned();
        if losses.unknown > 0 {
            let text = format!("{} events are of no kind that this version knows", losses.unknown);
            say(Severity::Warning, &folder, "unknown events", "events", text);
        }
        let expired = expired(&dir.events);
        if expired > 0 {
            self.expired_files += expired;
            let text = format!("the oldest {expired} files made way for newer ones: the quota was reached");
            say(Severity::Note, &folder, "expired event files", "events", text);
        }
        for (source, lost) in losses.sources.into_iter().filter(|(_, lost)| lost.dropped + lost.late > 0) {
            let source = plain(&source);
            if lost.dropped > 0 {
                let text = format!("{source}: {} records are lost, because their ring was full", lost.dropped);
                say(Severity::Error, &folder, "lost records", &source, text);
            }
            if lost.late > 0 {
                let text = format!("{source}: {} records came late and are not at their place in time", lost.late);
                say(Severity::Note, &folder, "late records", &source, text);
            }
            let (side, dropped, late) = (dir.place.name(), lost.dropped, lost.late);
            self.sources.push(SourceLoss { side, source, dropped, late });
        }
    }
}

/// Files are numbered from 0 in each run: `events_2026-01-31_000012.bin`.
fn expired(files: &[PathBuf]) -> u64 {
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.rsplit('_').next()?.parse::<u64>().ok();
    files.iter().filter_map(number).min().unwrap_or(0)
}
