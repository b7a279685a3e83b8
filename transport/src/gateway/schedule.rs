//! Which task runs next: one running and one waiting per car and service, earliest deadline first among those that can
//! still make it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use rt_core::clock::Monotonic;

/// Where nothing was dispatched for this long, a task runs although its model's measured times say it will be late:
/// only running it can show that they are outdated.
const STARVATION: Duration = Duration::from_millis(250);

/// Whose task it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// The car, over all of its connections.
    pub car: u64,
    /// Its service.
    pub service: u16,
}

/// One task as the scheduler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names the task.
    pub id: u64,
    /// Whose it is.
    pub owner: Owner,
    /// The frame's number within the service: of two frames, the higher is the newer.
    pub seq: u64,
    /// The model's number.
    pub model: u16,
    /// When it has to be done.
    pub deadline: Monotonic,
}

/// The scheduler's answer to "a worker is free".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Run this task.
    Run(Entry),
    /// This one can no longer make it; answer it, then ask again.
    Expired(Entry),
}

/// Waiting and running tasks.
#[derive(Debug, Default)]
pub struct Scheduler {
    waiting: HashMap<Owner, Entry>,
    /// The waiting tasks by deadline.
    order: BTreeSet<(Monotonic, u64, Owner)>,
    running: HashMap<u64, Owner>,
    busy: HashSet<Owner>,
    last_dispatch: Monotonic,
}

impl Scheduler {
    /// Adds a task; of two of one service only the newer waits, and the older comes back, be it this one.
    pub fn submit(&mut self, entry: Entry) -> Option<Entry> {
        if self.waiting.get(&entry.owner).is_some_and(|waiting| waiting.seq > entry.seq) {
            return Some(entry);
        }
        let older = self.waiting.insert(entry.owner, entry);
        if let Some(older) = older {
            self.order.remove(&(older.deadline, older.id, older.owner));
        }
        self.order.insert((entry.deadline, entry.id, entry.owner));
        older
    }

    /// What to do with a free worker; `expected` is how long a model takes, at the 95th percentile.
    pub fn next(&mut self, now: Monotonic, expected: impl Fn(u16) -> Duration) -> Option<Verdict> {
        let starving = now.saturating_since(self.last_dispatch) >= STARVATION && self.running.is_empty();
        let (key, late) = self.order.iter().find_map(|key| {
            let entry = self.waiting.get(&key.2)?;
            let hopeless = now >= entry.deadline;
            let late = hopeless || (!starving && now.plus(expected(entry.model)) > entry.deadline);
            (late || !self.busy.contains(&entry.owner)).then_some((*key, late))
        })?;
        self.order.remove(&key);
        let entry = self.waiting.remove(&key.2)?;
        if late {
            return Some(Verdict::Expired(entry));
        }
        self.busy.insert(entry.owner);
        self.running.insert(entry.id, entry.owner);
        self.last_dispatch = now;
        Some(Verdict::Run(entry))
    }

    /// Takes out the next waiting task whose deadline has passed, whoever's turn it is.
    pub fn expired(&mut self, now: Monotonic) -> Option<Entry> {
        let key = self.order.first().copied().filter(|key| now > key.0)?;
        self.order.remove(&key);
        self.waiting.remove(&key.2)
    }

    /// A running task ended, however.
    pub fn finished(&mut self, id: u64) {
        if let Some(owner) = self.running.remove(&id) {
            self.busy.remove(&owner);
        }
    }

    /// Forgets a waiting task, whose car gave it up.
    pub fn cancel(&mut self, id: u64) {
        let Some(key) = self.order.iter().find(|key| key.1 == id).copied() else { return };
        self.order.remove(&key);
        self.waiting.remove(&key.2);
    }

    /// Tasks waiting.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Tasks running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// When a waiting task's verdict changes although no worker becomes free.
    #[must_use]
    pub fn next_change(&self, now: Monotonic) -> Option<Monotonic> {
        let earliest = self.order.first().map(|key| key.0)?;
        Some(earliest.min(self.last_dispatch.plus(STARVATION).max(now)))
    }
}

#[cfg(test)]
mod tests;
