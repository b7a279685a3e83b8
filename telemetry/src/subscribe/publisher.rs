//! The collector's end: it puts into queues what their subscribers want, and never waits for one.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

use super::hub::Queue;
use super::picture::{Base, Picture};
use super::place::Place;
use super::subscription::Item;
use super::{Hub, Note, Wants};
use crate::events::{Event, EventSink};

/// How often the state of everything is told.
const PICTURE_PERIOD: Duration = Duration::from_secs(1);
/// Quantiles are of the last one to two of these.
const WINDOW: Duration = Duration::from_secs(10);
/// Notes that who comes later is still told.
const MOST_RECENT: usize = 64;

/// The end of one subscriber's queue that things are put into.
#[derive(Debug)]
pub(super) struct Outlet {
    wants: Wants,
    queue: Queue,
    bell: Doorbell,
    place: Weak<Place>,
    /// Something was put since the bell last rang.
    news: bool,
    /// When the next picture is due.
    due: Monotonic,
}

impl Outlet {
    pub(super) const fn new(wants: Wants, queue: Queue, bell: Doorbell, place: Weak<Place>) -> Self {
        Self { wants, queue, bell, place, news: false, due: Monotonic::ZERO }
    }

    fn put(&mut self, item: Item, hub: &Hub) {
        self.news = true;
        if !self.queue.emit(item) {
            hub.lost(1);
        }
    }

    fn note(&mut self, note: &Arc<Note>, hub: &Hub) {
        if matches!(&self.wants, Wants::Events(filter) if filter.note(note.kind)) {
            self.put(Item::Note(Arc::clone(note)), hub);
        }
    }
}

/// The collector's end of all subscriptions. Dropping it ends them, once they are read out.
#[derive(Debug)]
pub struct Publisher {
    hub: Hub,
    outlets: Vec<Outlet>,
    /// Said, but not yet in the order of time.
    notes: VecDeque<Arc<Note>>,
    recent: VecDeque<Arc<Note>>,
    watermark: Monotonic,
    older: Option<Arc<Base>>,
    newer: Option<Arc<Base>>,
}

impl Publisher {
    pub(super) const fn new(hub: Hub) -> Self {
        Self {
            hub,
            outlets: Vec::new(),
            notes: VecDeque::new(),
            recent: VecDeque::new(),
            watermark: Monotonic::ZERO,
            older: None,
            newer: None,
        }
    }

    /// What it is the end of.
    pub(crate) const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Whether anybody wants events.
    pub(crate) fn is_heard(&self) -> bool {
        self.outlets.iter().any(|outlet| matches!(outlet.wants, Wants::Events(_)))
    }

    /// Lets in who has come and forgets who has gone; what has been said since the last call. Called before any events
    /// are given out.
    pub(crate) fn gather(&mut self) -> impl Iterator<Item = &Note> {
        let Self { hub, outlets, notes, recent, watermark, .. } = self;
        for mut outlet in hub.take_joining() {
            outlet.put(Item::Begin(*watermark), hub);
            recent.iter().for_each(|note| outlet.note(note, hub));
            outlets.push(outlet);
        }
        outlets.retain(|outlet| outlet.place.strong_count() > 0);
        let known = notes.len();
        hub.take_notes(notes);
        notes.range(known..).map(Arc::as_ref)
    }

    fn ring(&mut self) {
        for outlet in self.outlets.iter_mut().filter(|outlet| outlet.news) {
            outlet.news = false;
            outlet.bell.ring();
        }
    }

    fn notes_until(&mut self, until: Monotonic) {
        let Self { hub, outlets, notes, recent, .. } = self;
        while let Some(note) = notes.pop_front_if(|note| note.at <= until) {
            outlets.iter_mut().for_each(|outlet| outlet.note(&note, hub));
            if recent.len() >= MOST_RECENT {
                recent.pop_front();
            }
            recent.push_back(note);
        }
    }

    /// Whether somebody waits for the state of everything.
    pub(crate) fn wants_picture(&self, now: Monotonic) -> bool {
        self.outlets.iter().any(|outlet| outlet.wants == Wants::Pictures && now >= outlet.due)
    }

    /// Gives it to whoever waits for it.
    pub(crate) fn show(&mut self, picture: Picture, now: Monotonic) {
        let Self { hub, outlets, .. } = self;
        let picture = Arc::new(picture);
        for outlet in outlets.iter_mut().filter(|outlet| outlet.wants == Wants::Pictures && now >= outlet.due) {
            outlet.due = now.plus(PICTURE_PERIOD);
            outlet.put(Item::Picture(Arc::clone(&picture)), hub);
        }
        self.ring();
    }

    /// The last notes, oldest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &Note> {
        self.recent.iter().map(Arc::as_ref)
    }

    /// Whether a new beginning of the window is due.
    pub(crate) fn wants_base(&self, now: Monotonic) -> bool {
        self.newer.as_ref().is_none_or(|base| now.saturating_since(base.at) >= WINDOW)
    }

    /// What was counted when the next window begins.
    pub(crate) fn set_base(&mut self, base: Base) {
        self.older = self.newer.replace(Arc::new(base));
    }

    /// What had been counted when the present window began.
    pub(crate) fn base(&self) -> Option<Arc<Base>> {
        self.older.as_ref().or(self.newer.as_ref()).map(Arc::clone)
    }
}

impl EventSink for Publisher {
    fn begin(&mut self, sources: &[String]) {
        self.hub.name_sources(sources.to_vec());
    }

    fn events(&mut self, events: &[Event]) {
        if !self.is_heard() {
            return;
        }
        // Notes are told whole, and not by their pieces.
        for event in events.iter().filter(|event| event.kind.note().is_none()) {
            self.notes_until(event.at);
            let Self { hub, outlets, .. } = self;
            for outlet in outlets {
                if matches!(&outlet.wants, Wants::Events(filter) if filter.event(event.kind)) {
                    outlet.put(Item::Event(*event), hub);
                }
            }
        }
    }

    fn settle(&mut self, watermark: Monotonic) {
        self.notes_until(watermark);
        self.watermark = watermark;
        self.ring();
    }

    fn finish(&mut self) {}
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.hub.take_notes(&mut self.notes);
        self.notes_until(Monotonic::from_ns(u64::MAX));
        self.hub.end();
        for Outlet { queue, bell, .. } in self.outlets.drain(..) {
            // The end of the queue has to be seen by whoever this ring wakes.
            drop(queue);
            bell.ring();
        }
    }
}
