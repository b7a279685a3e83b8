//! Parts of the process that the collector knows nothing of, but whose state belongs into the snapshots.

use rt_core::clock::Monotonic;

use crate::subscribe::Picture;

/// A part of the process: a gateway, an emulated link, the hand-overs between threads.
///
/// Both calls are made on the collector's thread and must not keep it: they read what the part's own threads have
/// counted, and wait for nothing.
pub trait Part: Send {
    /// A second is over, about: what is told of "the last one to two seconds" begins anew. Called whether anybody looks
    /// or not.
    fn tick(&mut self, now: Monotonic);

    /// Puts its state into a snapshot.
    fn show(&mut self, now: Monotonic, picture: &mut Picture);
}

/// What something was one to two seconds ago, for what has happened since.
///
/// ```
/// let mut count = telemetry::collector::Lately::default();
/// assert_eq!(count.before(), None);
/// for now in [10, 25, 45] {
///     count.tick(now);
/// }
/// assert_eq!(count.before(), Some(25), "of three ticks the last but one");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Lately<T> {
    older: Option<T>,
    newer: Option<T>,
}

impl<T: Copy> Lately<T> {
    /// It is `value` now, and a second is over.
    pub fn tick(&mut self, value: T) {
        self.older = self.newer.replace(value);
    }

    /// What it was one to two seconds ago; less long ago in the first of them, and nothing before the first tick.
    #[must_use]
    pub fn before(&self) -> Option<T> {
        self.older.or(self.newer)
    }
}
