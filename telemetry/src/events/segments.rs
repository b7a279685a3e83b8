//! The event log's files: a new one each day and whenever the last is full; the oldest make way for the newest.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rt_core::clock::{ClockAnchor, Monotonic};

use super::{EVENT_BYTES, Event, EventKind, FIELDS, FLAGS_FIELD};
use crate::disk_sync::{Synced, Syncer};
use crate::run_clock::local_timestamp;

/// The first word of a file, and the version of what follows.
pub(super) const MAGIC: &str = "turbo-events 1 ";
/// Of the quota, one file takes this part at the most.
const FILES: u64 = 8;
/// Events are written in pieces of so many at the most: 256 KiB, which a core's own cache holds.
const PIECE: usize = 8 * 1024;
/// After a failure the next file is tried when so much time has passed.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

struct Segment {
    path: PathBuf,
    bytes: u64,
    events: u64,
}

/// What became of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) written: u64,
    pub(super) expired: u64,
    pub(super) lost: u64,
    pub(super) last_error: Option<String>,
}

/// Writes events into files.
pub(super) struct Segments {
    dir: PathBuf,
    quota_bytes: u64,
    sources: Vec<String>,
    start: ClockAnchor,
    day: String,
    next: u64,
    file: Option<Arc<Synced>>,
    syncer: Option<Arc<Syncer>>,
    /// Full files whose last piece the disk may not have yet.
    settling: Vec<Arc<Synced>>,
    closed: VecDeque<Segment>,
    current: Option<Segment>,
    buffer: Vec<[u8; EVENT_BYTES]>,
    retry_at: Monotonic,
    health: Written,
}

impl Segments {
    pub(super) fn new(dir: &Path, quota_bytes: u64, start: ClockAnchor) -> Self {
        Self {
            dir: dir.to_owned(),
            quota_bytes,
            sources: Vec::new(),
            start,
            day: String::new(),
            next: 0,
            file: None,
            syncer: None,
            settling: Vec::new(),
            closed: VecDeque::new(),
            current: None,
            buffer: Vec::with_capacity(PIECE),
            retry_at: Monotonic::ZERO,
            health: Written::default(),
        }
    }

    pub(super) fn name_sources(&mut self, sources: Vec<String>) {
        self.sources = sources;
    }

    /// Adds events; full pieces are written.
    pub(super) fn extend(&mut self, mut events: &[Event]) {
        while let Some((some, rest)) = events.split_at_checked(PIECE - self.buffer.len()) {
            self.buffer.extend(some.iter().map(Event::encode));
            self.flush();
            events = rest;
        }
        self.buffer.extend(events.iter().map(Event::encode));
    }

    /// Writes what there is.
    pub(super) fn flush(&mut self) {
        self.look_at_the_disk();
        if self.buffer.is_empty() {
            return;
        }
        let events = self.buffer.len() as u64;
        match self.write() {
            Ok(()) => self.health.written += events,
            Err(reason) => {
                self.health.lost += events;
                if let Some(reason) = reason {
                    self.health.last_error = Some(reason);
                    self.retry_at = Monotonic::now().plus(RETRY);
                    self.close();
                }
            }
        }
        self.buffer.clear();
    }

    /// Lets go of full files that the disk has, and hears of those that it refused.
    fn look_at_the_disk(&mut self) {
        for file in self.settling.iter().chain(&self.file) {
            if let Some(error) = file.take_error() {
                self.health.last_error = Some(format!("the event log could not be synced: {error}"));
            }
        }
        self.settling.retain(|file| !file.is_on_disk());
    }

    /// No reason is given while a failure is recent.
    fn write(&mut self) -> Result<(), Option<String>> {
        let now = Monotonic::now();
        if now < self.retry_at {
            return Err(None);
        }
        let anchor = ClockAnchor::now();
        let today = local_timestamp(anchor.unix.seconds()).map(|text| text.chars().take(10).collect::<String>());
        let today = today.unwrap_or_default();
        let piece = (self.buffer.len() * EVENT_BYTES) as u64;
        let full = |segment: &Segment| segment.bytes + piece > self.quota_bytes / FILES;
        if self.current.as_ref().is_none_or(|segment| full(segment) || self.day != today) {
            self.close();
            self.day = today;
            self.open(anchor).map_err(Some)?;
        }
        self.make_room(piece);
        let (Some(file), Some(segment)) = (&self.file, &mut self.current) else { return Err(None) };
        if let Err(error) = file.file().write_all(self.buffer.as_flattened()) {
            // Half an event at the end would put every later one out of place.
            let _ = file.file().set_len(segment.bytes);
            return Err(Some(format!("{}: {error}", segment.path.display())));
        }
        file.change();
        segment.bytes += piece;
        segment.events += self.buffer.len() as u64;
        Ok(())
    }

    fn open(&mut self, anchor: ClockAnchor) -> Result<(), String> {
        let path = loop {
            let path = self.dir.join(format!("events_{}_{:06}.bin", self.day, self.next));
            self.next += 1;
            if !path.exists() {
                break path;
            }
        };
        let header = self.header(anchor);
        let said = |error: io::Error| format!("{}: {error}", path.display());
        std::fs::create_dir_all(&self.dir).map_err(said)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(said)?;
        if let Err(error) = file.write_all(header.as_bytes()) {
            // A full disk still has room for names: without this, an empty file for each try.
            let _ = std::fs::remove_file(&path);
            return Err(said(error));
        }
        let file = Arc::new(Synced::new(file, self.dir.clone()));
        self.syncer = Some(Syncer::follow(&file).map_err(said)?);
        self.file = Some(file);
        self.current = Some(Segment { path, bytes: header.len() as u64, events: 0 });
        Ok(())
    }

    fn close(&mut self) {
        self.settling.extend(self.file.take());
        self.closed.extend(self.current.take());
    }

    /// Closes the last file and waits for the disk.
    pub(super) fn finish(&mut self) {
        self.close();
        self.settling.iter().for_each(|file| file.sync());
        self.look_at_the_disk();
        self.settling.clear();
    }

    /// Removes the oldest files until the next piece is within the quota.
    fn make_room(&mut self, piece: u64) {
        let total = |this: &Self| this.closed.iter().chain(&this.current).map(|segment| segment.bytes).sum::<u64>();
        while total(self) + piece > self.quota_bytes {
            let Some(oldest) = self.closed.pop_front() else { return };
            self.health.expired += oldest.events;
            if let Err(error) = std::fs::remove_file(&oldest.path) {
                self.health.last_error = Some(format!("{}: {error}", oldest.path.display()));
            }
        }
    }

    /// One line of JSON, filled up with spaces so that events begin at a multiple of their size.
    fn header(&self, anchor: ClockAnchor) -> String {
        let field = |&(name, dtype, offset): &(&str, &str, usize)| serde_json::json!({"name": name, "type": dtype, "offset": offset});
        let kind = |kind: &EventKind| {
            serde_json::json!({
                "name": kind.name(), "subsystem": kind.subsystem(), "severity": kind.severity().name(),
                "meaning": kind.meaning(), "note": kind.note().is_some(), "seq": kind.seq(), "value": kind.value(), "detail": kind.detail(),
            })
        };
        let hops: Vec<&str> = rt_core::trace::Hop::ALL.iter().map(|hop| hop.name()).collect();
        let header = serde_json::json!({
            "event_bytes": EVENT_BYTES,
            "fields": FIELDS.iter().chain([&FLAGS_FIELD]).map(field).collect::<Vec<_>>(),
            "kinds": EventKind::ALL.iter().map(kind).collect::<Vec<_>>(),
            "hops": hops,
            "sources": self.sources,
            "run_start": {"unix_ns": self.start.unix.as_ns(), "monotonic_ns": self.start.monotonic.as_ns()},
            "anchor": {"unix_ns": anchor.unix.as_ns(), "monotonic_ns": anchor.monotonic.as_ns()},
        });
        let mut line = format!("{MAGIC}{header}");
        let length = (line.len() + 1).next_multiple_of(EVENT_BYTES);
        line.push_str(&" ".repeat(length - line.len() - 1));
        line.push('\n');
        line
    }

    pub(super) const fn health(&self) -> &Written {
        &self.health
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_follows_what_was_written_while_nobody_waits_and_has_all_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let quota = (8 * 64 * EVENT_BYTES) as u64 + 64 * 1024;
        let mut segments = Segments::new(dir.path(), quota, ClockAnchor::now());
        let event = Event::new(EventKind::Hop, Monotonic::from_ns(7));
        segments.extend(&[event; 10]);
        segments.flush();
        let first = Arc::clone(segments.file.as_ref().unwrap());
        let begun = Monotonic::now();
        while !first.is_on_disk() {
            assert!(begun.elapsed().as_secs() < 60, "{:?}", first.take_error());
            std::thread::yield_now();
        }
        // Until a file is full: it is let go of only when the disk has its end.
        while Arc::ptr_eq(&first, segments.file.as_ref().unwrap()) {
            segments.extend(&[event; 10]);
            segments.flush();
        }
        assert!(first.is_on_disk() || segments.settling.iter().any(|file| Arc::ptr_eq(file, &first)));
        let last = Arc::clone(segments.file.as_ref().unwrap());
        segments.finish();
        assert!(first.is_on_disk() && last.is_on_disk() && segments.settling.is_empty());
        assert_eq!((segments.health.lost, &segments.health.last_error), (0, &None));
    }
}
