//! Events in, from every ring and nearly in order; the stream in the order of time out, to the event log and whoever else
//! listens.

use std::time::Duration;

use rt_core::clock::Monotonic;

use super::{Event, EventHealth, EventKind, EventLog, EventSink, Merge, pieces};
use crate::subscribe::Publisher;

/// How far behind the clock the watermark is. Longer than a thread that has read the clock is kept from pushing, and
/// than nearly all hops that are told only after later ones; short enough that a killed process loses less than a second.
const SLACK: Duration = Duration::from_millis(250);

/// The source of what was said.
const NOTES: &str = "notes";

/// The process's events; without anybody to hear them, none are kept.
#[derive(Default)]
pub(crate) struct EventStream {
    merge: Option<Merge>,
    /// What each source's losses have been told up to; notes, the last source, lose nothing here.
    told: Vec<u64>,
    outlets: Outlets,
}

#[derive(Default)]
struct Outlets {
    log: Option<EventLog>,
    live: Option<Publisher>,
}

impl Outlets {
    fn each(&mut self) -> impl Iterator<Item = &mut dyn EventSink> {
        let log = self.log.iter_mut().map(|log| log as &mut dyn EventSink);
        log.chain(self.live.iter_mut().map(|live| live as &mut dyn EventSink))
    }

    /// Whether anybody would get an event that came now.
    fn are_heard(&self) -> bool {
        self.log.is_some() || self.live.as_ref().is_some_and(Publisher::is_heard)
    }
}

impl EventStream {
    /// Has the events written; in place of a log given before.
    pub(crate) fn log(&mut self, log: EventLog) {
        self.outlets.log = Some(log);
    }

    /// Has subscribers hear the events as well.
    pub(crate) fn publish(&mut self, live: Publisher) {
        self.outlets.live = Some(live);
    }

    /// The end of their subscriptions.
    pub(crate) const fn live(&mut self) -> Option<&mut Publisher> {
        self.outlets.live.as_mut()
    }

    /// The rings that events come through, before the first comes; notes are one source more.
    pub(crate) fn begin(&mut self, rings: Vec<String>) {
        if self.outlets.each().next().is_some() {
            self.told = vec![0; rings.len()];
            let mut sources = rings;
            sources.push(NOTES.to_owned());
            self.merge = Some(Merge::new(sources.len()));
            self.outlets.each().for_each(|sink| sink.begin(&sources));
        }
    }

    /// An event that came through a ring.
    pub(crate) fn push(&mut self, source: usize, event: impl Into<Event>) {
        if self.merge.is_some() {
            self.extend(source, std::iter::once(event.into()));
        }
    }

    /// Events that came through a ring, in its order.
    pub(crate) fn extend(&mut self, source: usize, events: impl ExactSizeIterator<Item = Event>) {
        let Self { merge: Some(merge), outlets, .. } = self else { return };
        if !outlets.are_heard() {
            return;
        }
        if merge.is_full(events.len()) {
            merge.relieve(|events| outlets.each().for_each(|sink| sink.events(events)));
        }
        merge.extend(source, events);
    }

    /// A ring has lost so many records since the start: what is new of it is an event.
    pub(crate) fn dropped(&mut self, source: usize, in_all: u64, now: Monotonic) {
        let Some(told) = self.told.get_mut(source) else { return };
        if in_all > *told {
            let value = in_all - *told;
            *told = in_all;
            self.push(source, Event { value, ..Event::new(EventKind::Dropped, now) });
        }
    }

    /// Gives out what is older than the watermark, for rings that were emptied after `looked`.
    pub(crate) fn settle(&mut self, looked: Monotonic) {
        self.release(looked.minus(SLACK));
    }

    /// Gives out the rest.
    pub(crate) fn finish(&mut self) {
        self.release(Monotonic::from_ns(u64::MAX));
        self.outlets.each().for_each(EventSink::finish);
    }

    fn release(&mut self, until: Monotonic) {
        let Self { merge: Some(merge), told, outlets } = self else { return };
        if let Some(live) = &mut outlets.live {
            let said = live.gather();
            // Subscribers have them whole.
            if outlets.log.is_some() {
                said.for_each(|note| merge.extend(told.len(), pieces(note)));
            }
        }
        merge.release(until, |events| outlets.each().for_each(|sink| sink.events(events)));
        outlets.each().for_each(|sink| sink.settle(merge.watermark()));
    }

    /// What became of the events so far; zeros without a log.
    pub(crate) fn health(&self) -> EventHealth {
        let late = self.merge.as_ref().map_or(0, Merge::came_late);
        self.outlets.log.as_ref().map(|log| EventHealth { late, ..log.health() }).unwrap_or_default()
    }
}
