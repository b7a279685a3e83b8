//! The watch over every thread: who has not beaten for too long, who is back, who has ended.
//!
//! A watch that itself was kept from its rounds (the process stopped, the machine asleep) has seen nobody: it says so
//! and gives everybody a full limit again, instead of raising as many false alarms as there are threads.

use std::time::Duration;

use super::Heartbeat;
use crate::clock::Monotonic;
use crate::threads::ThreadEnd;

/// What the loss of a thread means for the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLoss {
    /// It goes on without, degraded.
    Degrade,
    /// It cannot go on.
    Fault,
}

/// How a thread was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// No heartbeat for this long, which is more than its limit.
    Missed(Duration),
    /// It ended, though nobody had asked it to.
    Ended(ThreadEnd),
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missed(silence) => write!(f, "missed its heartbeat ({:.1} s)", silence.as_secs_f64()),
            Self::Ended(ThreadEnd::Done) => f.write_str("ended by itself"),
            Self::Ended(ThreadEnd::Failed(reason)) => write!(f, "failed: {reason}"),
            Self::Ended(ThreadEnd::Panicked(message)) => write!(f, "panicked: {message}"),
        }
    }
}

/// What a round of the watch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A thread was lost.
    Lost {
        /// Its name.
        thread: String,
        /// How.
        loss: Loss,
        /// What that means.
        on_loss: OnLoss,
    },
    /// A thread that had missed its heartbeat beats again.
    Back {
        /// Its name.
        thread: String,
    },
    /// The watch itself did not get to its rounds for this long; silence before that counts for nothing.
    Blind(Duration),
}

#[derive(Debug)]
struct Entry {
    name: String,
    limit: Duration,
    on_loss: OnLoss,
    heartbeat: Heartbeat,
    lost: Option<Loss>,
}

/// Silence is judged only by a watch whose own rounds are no further apart than the least limit divided by this.
const BLIND_PART: u32 = 2;
/// Rounds per least limit that [`Watch::period`] suggests: a heartbeat is missed at most a tenth of its limit late.
const ROUNDS_PER_LIMIT: u32 = 10;

/// Knows every thread's limit and last beat. Pure logic: `now` comes from outside.
///
/// ```
/// use rt_core::{clock::Monotonic, lifecycle::{OnLoss, Watch}};
/// use std::time::Duration;
/// let at = |ms: u64| Monotonic::from_ns(ms * 1_000_000);
/// let mut watch = Watch::default();
/// let heartbeat = watch.add("detector", Duration::from_millis(1500), OnLoss::Degrade, at(0));
/// heartbeat.beat(at(500));
/// assert!([500, 1000, 1500, 2000].iter().all(|&ms| watch.round(at(ms)).is_empty()));
/// assert_eq!(watch.round(at(2100)).len(), 1, "silent for 1.6 s");
/// heartbeat.beat(at(2600));
/// assert_eq!(watch.round(at(2700)).len(), 1, "back");
/// ```
#[derive(Debug, Default)]
pub struct Watch {
    entries: Vec<Entry>,
    last_round: Option<Monotonic>,
    /// Silence counts from here at the earliest.
    since: Monotonic,
}

impl Watch {
    /// Enters a thread, in the place of an earlier one of the same name, and gives the heartbeat that it has to beat
    /// within `limit`; the first time is counted from `now`.
    pub fn add(&mut self, name: &str, limit: Duration, on_loss: OnLoss, now: Monotonic) -> Heartbeat {
        self.remove(name);
        let heartbeat = Heartbeat::default();
        heartbeat.beat(now);
        let entry = Entry { name: name.to_owned(), limit, on_loss, heartbeat: heartbeat.clone(), lost: None };
        self.entries.push(entry);
        heartbeat
    }

    /// Strikes a thread out: it was asked to end.
    pub fn remove(&mut self, name: &str) {
        self.entries.retain(|entry| entry.name != name);
    }

    /// How far apart rounds should be at the most; `None` where there is nobody to watch.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        self.least_limit().map(|limit| limit / ROUNDS_PER_LIMIT)
    }

    /// Counts every thread's silence from `now`, for when the work begins.
    pub const fn begin(&mut self, now: Monotonic) {
        self.since = now;
        self.last_round = Some(now);
    }

    /// Looks at everybody; what has changed since the last round.
    pub fn round(&mut self, now: Monotonic) -> Vec<Sign> {
        let mut signs = Vec::new();
        let gap = self.last_round.map_or(Duration::ZERO, |last| now.saturating_since(last));
        self.last_round = Some(now);
        if self.least_limit().is_some_and(|limit| gap > limit / BLIND_PART) {
            self.since = now;
            signs.push(Sign::Blind(gap));
        }
        for entry in &mut self.entries {
            let last = entry.heartbeat.last();
            match entry.lost {
                None if now.saturating_since(last.max(self.since)) > entry.limit => {
                    // What a person is told is how long it has really been.
                    let loss = Loss::Missed(now.saturating_since(last));
                    entry.lost = Some(loss.clone());
                    signs.push(Sign::Lost { thread: entry.name.clone(), loss, on_loss: entry.on_loss });
                }
                // By a beat of its own, never by the grace after a blind round.
                Some(Loss::Missed(_)) if now.saturating_since(last) <= entry.limit => {
                    entry.lost = None;
                    signs.push(Sign::Back { thread: entry.name.clone() });
                }
                None | Some(_) => {}
            }
        }
        signs
    }

    /// Notes that a thread has ended; what that means. One that nobody entered is nothing the system can do without.
    pub fn ended(&mut self, name: &str, end: ThreadEnd) -> Sign {
        let loss = Loss::Ended(end);
        let entry = self.entries.iter_mut().find(|entry| entry.name == name);
        let on_loss = entry.map_or(OnLoss::Fault, |entry| {
            entry.lost = Some(loss.clone());
            entry.on_loss
        });
        Sign::Lost { thread: name.to_owned(), loss, on_loss }
    }

    /// The threads that are lost now, and how they were.
    pub fn lost(&self) -> impl Iterator<Item = (&str, &Loss)> {
        self.entries.iter().filter_map(|entry| entry.lost.as_ref().map(|loss| (entry.name.as_str(), loss)))
    }

    fn least_limit(&self) -> Option<Duration> {
        self.entries.iter().map(|entry| entry.limit).min()
    }
}
