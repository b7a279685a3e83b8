//! The event log as the collector sees it: events in, files in the order of time out, everything counted.

use std::path::Path;
use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};

use super::segments::Segments;
use super::{Event, EventKind, Merge};
use crate::subscribe::Publisher;

/// How far behind the clock the watermark is. Longer than a thread that has read the clock is kept from pushing, and
/// than nearly all hops that are told only after later ones; short enough that a killed process loses less than a second.
const SLACK: Duration = Duration::from_millis(250);

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

/// Where a ring's losses have been told up to.
#[derive(Clone, Copy, Default)]
struct Told(u64);

/// The event log of one process: files, subscribers, or both.
pub struct EventLog {
    merge: Merge,
    segments: Option<Segments>,
    live: Option<Publisher>,
    told: Vec<Told>,
}

impl EventLog {
    /// A log in `dir`, which is made when the first event comes; its files take `quota_bytes` at the most.
    #[must_use]
    pub fn new(dir: &Path, quota_bytes: u64, start: ClockAnchor) -> Self {
        Self { segments: Some(Segments::new(dir, quota_bytes, start)), ..Self::unwritten() }
    }

    /// A log that is no file: for subscribers alone.
    #[must_use]
    pub fn unwritten() -> Self {
        Self { merge: Merge::new(0), segments: None, live: None, told: Vec::new() }
    }

    /// Tells every event to `live`'s subscribers as well.
    #[must_use]
    pub fn published(mut self, live: Publisher) -> Self {
        self.live = Some(live);
        self
    }

    /// The end of its subscriptions.
    pub(crate) const fn live(&mut self) -> Option<&mut Publisher> {
        self.live.as_mut()
    }

    /// The rings that events come through, before the first comes. Names may be of any characters.
    pub(crate) fn begin(&mut self, sources: Vec<String>) {
        self.merge = Merge::new(sources.len());
        self.told = vec![Told::default(); sources.len()];
        self.live.iter().for_each(|live| live.begin(sources.clone()));
        self.segments.iter_mut().for_each(|segments| segments.name_sources(sources.clone()));
    }

    /// An event that came through a ring.
    #[inline]
    pub(crate) fn push(&mut self, source: usize, event: Event) {
        if self.segments.is_none() && !self.live.as_ref().is_some_and(Publisher::is_heard) {
            return;
        }
        if self.merge.is_full() {
            let Self { merge, segments, live, .. } = self;
            merge.relieve(|event| give_out(event, segments, live));
        }
        self.merge.push(source, event);
    }

    /// A ring has lost so many records since the start: what is new of it is an event.
    pub(crate) fn dropped(&mut self, source: usize, in_all: u64, now: Monotonic) {
        let Some(Told(told)) = self.told.get_mut(source) else { return };
        if in_all > *told {
            let value = in_all - *told;
            *told = in_all;
            self.push(source, Event { value, ..Event::new(EventKind::Dropped, now) });
        }
    }

    /// Writes what is older than the watermark, for rings that were emptied after `looked`.
    pub(crate) fn settle(&mut self, looked: Monotonic) {
        self.release(looked.minus(SLACK));
    }

    /// Writes the rest.
    pub(crate) fn finish(&mut self) {
        self.release(Monotonic::from_ns(u64::MAX));
        self.segments.iter_mut().for_each(Segments::close);
    }

    fn release(&mut self, until: Monotonic) {
        let Self { merge, segments, live, .. } = self;
        let heard = live.as_mut().is_some_and(Publisher::gather);
        match segments.as_mut().filter(|_| !heard) {
            Some(segments) => merge.release(until, |event| segments.push(&event.encode())),
            None => merge.release(until, |event| give_out(event, segments, live)),
        }
        segments.iter_mut().for_each(Segments::flush);
        live.iter_mut().for_each(|live| live.settle(merge.watermark()));
    }

    /// What became of the events so far.
    #[must_use]
    pub fn health(&self) -> EventHealth {
        let written = self.segments.as_ref().map(Segments::health).cloned().unwrap_or_default();
        EventHealth {
            written: written.written,
            late: self.merge.came_late(),
            expired: written.expired,
            lost: written.lost,
            last_error: written.last_error,
        }
    }
}

fn give_out(event: &Event, segments: &mut Option<Segments>, live: &mut Option<Publisher>) {
    if let Some(segments) = segments {
        segments.push(&event.encode());
    }
    if let Some(live) = live {
        live.event(event);
    }
}
