//! What the gateway counts, and what it holds at the moment.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::offence::Offence;
use crate::wire::result::Status;

/// What the gateway counts and holds, for whoever watches it. Written by its thread, read by any.
///
/// ```
/// use transport::gateway::{GatewayStats, Offence};
/// let stats = GatewayStats::default();
/// assert_eq!((stats.offences(Offence::Header), stats.held_bytes()), (0, 0));
/// ```
#[derive(Debug, Default)]
pub struct GatewayStats {
    offences: [AtomicU64; Offence::ALL.len()],
    pub(super) resets: AtomicU64,
    pub(super) trickled: AtomicU64,
    pub(super) dispatched_again: AtomicU64,
    pub(super) probe_bytes: AtomicU64,
    pub(super) events_lost: AtomicU64,
    pub(super) cars: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) tasks: AtomicU64,
    pub(super) waiting: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) held_bytes: AtomicU64,
    answers: [AtomicU64; Status::ALL.len()],
}

impl GatewayStats {
    /// How often `offence` was refused.
    #[must_use]
    pub fn offences(&self, offence: Offence) -> u64 {
        self.offences.get(offence as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Frames that their cars gave up before the last byte came.
    #[must_use]
    pub fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// Frames whose last byte had not come by their deadline.
    #[must_use]
    pub fn trickled(&self) -> u64 {
        self.trickled.load(Ordering::Relaxed)
    }

    /// Tasks given to a second worker after their first had died.
    #[must_use]
    pub fn dispatched_again(&self) -> u64 {
        self.dispatched_again.load(Ordering::Relaxed)
    }

    /// Bytes of probes, which only fill the link and were thrown away.
    #[must_use]
    pub fn probe_bytes(&self) -> u64 {
        self.probe_bytes.load(Ordering::Relaxed)
    }

    /// Events for which the ring had no room.
    #[must_use]
    pub fn events_lost(&self) -> u64 {
        self.events_lost.load(Ordering::Relaxed)
    }

    /// Cars that are here.
    #[must_use]
    pub fn cars(&self) -> u64 {
        self.cars.load(Ordering::Relaxed)
    }

    /// Frame streams being served.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Whole frames waiting for a worker or with one.
    #[must_use]
    pub fn tasks(&self) -> u64 {
        self.tasks.load(Ordering::Relaxed)
    }

    /// Of them, those that no worker has yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Connections of the cars that are here.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Frames that were answered so.
    #[must_use]
    pub fn answers(&self, status: Status) -> u64 {
        self.answers.get(status as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Bytes set aside for frames of all cars.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn answered(&self, status: Status) {
        if let Some(count) = self.answers.get(status as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count(&self, offence: Offence) {
        if let Some(count) = self.offences.get(offence as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Display for GatewayStats {
    /// What was counted since the start, zeros left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offences = Offence::ALL.map(|offence| (self.offences(offence), offence.name()));
        let others = [
            (self.resets(), "frames given up by their cars"),
            (self.trickled(), "frames not whole by their deadline"),
            (self.dispatched_again(), "tasks given to a second worker"),
            (self.probe_bytes(), "bytes of probes thrown away"),
            (self.events_lost(), "events not logged"),
        ];
        let mut said = false;
        for (count, what) in offences.into_iter().chain(others).filter(|(count, _)| *count > 0) {
            write!(f, "{}{count} {what}", if said { ", " } else { "" })?;
            said = true;
        }
        if said { Ok(()) } else { f.write_str("nothing was refused") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offences_are_counted_each_by_itself() {
        let stats = GatewayStats::default();
        for (times, offence) in Offence::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| stats.count(offence));
        }
        for (times, offence) in Offence::ALL.into_iter().enumerate() {
            assert_eq!(stats.offences(offence), times as u64, "{offence:?}");
        }
        stats.resets.fetch_add(3, Ordering::Relaxed);
        let told = stats.to_string();
        assert!(
            told.starts_with("1 control messages") && told.ends_with(", 3 frames given up by their cars"),
            "{told}"
        );
        assert_eq!(GatewayStats::default().to_string(), "nothing was refused");
    }
}
