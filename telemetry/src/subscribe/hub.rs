//! What the collector, those who say something and the subscribers share.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::trace::emitter::{Emitter, ring};

use super::place::{MOST_SUBSCRIBERS, Place, Places};
use super::publisher::Outlet;
use super::subscription::{Item, Subscription};
use super::{Filter, Note, NoteKind, Publisher, Who};

/// What waits for one subscriber at the most.
pub const QUEUE: usize = 4_096;
/// Notes on their way to the collector, which fetches them forty times a second.
const MOST_WAITING: usize = 1_024;
/// How often the end of the last subscriber is looked for.
const POLL: Duration = Duration::from_millis(2);

/// What a subscriber wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Events and notes.
    Events(Filter),
    /// The state of everything, at once and then every second.
    Pictures,
}

/// Why there is no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSubscription {
    /// All places are taken.
    #[error("{MOST_SUBSCRIBERS} subscribers are served already, which is the most; end one")]
    Full,
    /// Nothing comes any more.
    #[error("the run is over")]
    Over,
}

/// A handle to one process's subscriptions; clones are the same. Everybody who has something to say holds one.
///
/// No call here is for a real-time thread: all but [`Hub::subscribers`] may wait for a lock that others hold for a moment.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) started: ClockAnchor,
    program: &'static str,
    version: &'static str,
    home: OnceLock<(PathBuf, Vec<String>)>,
    sources: OnceLock<Vec<String>>,
    joining: Mutex<Vec<Outlet>>,
    /// Whether somebody stands in `joining`.
    knocked: AtomicBool,
    notes: Mutex<Notes>,
    places: Arc<Places>,
    lost: AtomicU64,
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Notes {
    waiting: VecDeque<Arc<Note>>,
    lost: u64,
    state: String,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// A process without subscribers, which began at `started`; `program` is `car` or `cloud`.
    #[must_use]
    pub fn new(program: &'static str, version: &'static str, started: ClockAnchor) -> Self {
        Self(Arc::new(Shared {
            started,
            program,
            version,
            home: OnceLock::new(),
            sources: OnceLock::new(),
            joining: Mutex::default(),
            knocked: AtomicBool::new(false),
            notes: Mutex::default(),
            places: Arc::default(),
            lost: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }))
    }

    /// Its first run directory and the names of its services, as soon as they are known; what is said again is ignored.
    pub fn settle(&self, run_dir: &Path, services: Vec<String>) {
        let run_dir = std::path::absolute(run_dir).unwrap_or_else(|_| run_dir.to_owned());
        let _ = self.0.home.set((run_dir, services));
    }

    /// Who this process is.
    #[must_use]
    pub fn who(&self) -> Who {
        let home = self.0.home.get();
        Who {
            program: self.0.program.to_owned(),
            pid: std::process::id(),
            version: self.0.version.to_owned(),
            started_unix_s: self.0.started.unix.seconds(),
            run_dir: home.map(|(run_dir, _)| run_dir.clone()),
            services: home.map(|(_, services)| services.clone()).unwrap_or_default(),
        }
    }

    /// Says something to whoever listens. Who comes later is told of the last few.
    pub fn note(&self, kind: NoteKind, text: impl Into<String>) {
        let note = Arc::new(Note { at: Monotonic::now(), kind, text: text.into() });
        let mut notes = locked(&self.0.notes);
        if notes.waiting.len() >= MOST_WAITING {
            notes.lost += 1;
            return;
        }
        notes.waiting.push_back(note);
    }

    /// The same, and on standard error as well.
    pub fn say(&self, kind: NoteKind, line: &str) {
        crate::console::say(line);
        self.note(kind, line);
    }

    /// The state that the process is in now, in a word.
    pub fn set_state(&self, state: &str) {
        state.clone_into(&mut locked(&self.0.notes).state);
    }

    /// A subscription, which holds its place until it is dropped. Nothing comes before a [`Publisher`] runs.
    ///
    /// # Errors
    /// [`NoSubscription`].
    pub fn subscribe(&self, wants: Wants) -> Result<Subscription, NoSubscription> {
        if self.is_over() {
            return Err(NoSubscription::Over);
        }
        let place = Place::take(&self.0.places).ok_or(NoSubscription::Full)?;
        let (queue, inlet) = ring(QUEUE);
        let bell = Doorbell::futex();
        let held = Arc::new(place);
        let outlet = Outlet::new(wants, queue, bell.clone(), Arc::downgrade(&held));
        locked(&self.0.joining).push(outlet);
        self.0.knocked.store(true, Ordering::Release);
        if self.is_over() {
            // The end came in between, and nobody opens any more.
            return Err(NoSubscription::Over);
        }
        Ok(Subscription::new(self.clone(), inlet, bell, held))
    }

    /// The collector's end; one for each process.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher::new(self.clone())
    }

    /// Subscribers now, and what all there ever were have lost.
    #[must_use]
    pub fn subscribers(&self) -> (usize, u64) {
        (self.0.places.taken(), self.0.lost.load(Ordering::Relaxed))
    }

    /// Waits until every subscriber has heard the end, for `patience` at the most. Whoever had stopped reading before
    /// ([`Subscription::set_stuck`]) is not waited for.
    pub fn wait_for_ends(&self, patience: Duration) {
        let until = Monotonic::now().plus(patience);
        while self.0.places.reading() > 0 && Monotonic::now() < until {
            std::thread::sleep(POLL);
        }
    }

    pub(super) fn started(&self) -> ClockAnchor {
        self.0.started
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.0.over.store(true, Ordering::Release);
        // Who came in the last moment sees the end of the queue.
        locked(&self.0.joining).clear();
    }

    pub(super) fn name_sources(&self, sources: Vec<String>) {
        let _ = self.0.sources.set(sources);
    }

    pub(super) fn source(&self, number: u16) -> &str {
        let sources = self.0.sources.get().map(Vec::as_slice).unwrap_or_default();
        sources.get(usize::from(number)).map_or("", String::as_str)
    }

    pub(super) fn lost(&self, more: u64) {
        self.0.lost.fetch_add(more, Ordering::Relaxed);
    }

    /// Those who have come since the last call; nobody, where that would mean waiting.
    pub(super) fn take_joining(&self) -> Vec<Outlet> {
        if !self.0.knocked.load(Ordering::Acquire) {
            return Vec::new();
        }
        let Ok(mut joining) = self.0.joining.try_lock() else { return Vec::new() };
        self.0.knocked.store(false, Ordering::Release);
        std::mem::take(&mut joining)
    }

    /// Moves the notes that wait to the end of `to`; does without, where that would mean waiting.
    pub(super) fn take_notes(&self, to: &mut VecDeque<Arc<Note>>) {
        let Ok(mut notes) = self.0.notes.try_lock() else { return };
        let Notes { waiting, lost, .. } = &mut *notes;
        to.append(waiting);
        if *lost > 0 {
            let text = format!("{lost} notes were more than could be told at once");
            to.push_back(Arc::new(Note { at: Monotonic::now(), kind: NoteKind::Loss, text }));
            *lost = 0;
        }
    }

    pub(super) fn state(&self) -> String {
        locked(&self.0.notes).state.clone()
    }
}

pub(super) type Queue = Emitter<Item>;
