//! How full a hand-over between two threads is, for a third that watches.
//!
//! Each end counts what it does in words that it alone writes, on a cache line of its own, with plain loads and stores;
//! the watch only reads them. So whoever watches takes no lock, and keeps neither end from anything but that line for
//! the moment it takes to fetch it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sync::CachePadded;
use crate::trace::count::Count;

/// A number's lower half is the most that waited, the upper the look since which that is so.
const LOOK: u32 = 32;

/// What both ends and the watch share.
#[derive(Debug, Default)]
struct Gauge {
    sender: CachePadded<Sent>,
    receiver: CachePadded<Taken>,
    /// How often the watch has looked.
    looks: CachePadded<Count>,
}

#[derive(Debug, Default)]
struct Sent {
    sent: Count,
    lost: Count,
}

#[derive(Debug, Default)]
struct Taken {
    taken: Count,
    /// The most that waited before something was taken, and since which look.
    most: AtomicU64,
}

/// How full a hand-over is, and what went through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Its room.
    pub capacity: u64,
    /// What waits in it now.
    pub waiting: u64,
    /// The most that waited at any time since the last look.
    pub most: u64,
    /// What was put into it in all, with what was lost.
    pub sent: u64,
    /// What found no room, or had to make room for something newer.
    pub lost: u64,
}

/// The sending end's.
#[derive(Debug, Default)]
pub(crate) struct SenderGauge(Option<Arc<Gauge>>);

/// The receiving end's.
#[derive(Debug, Default)]
pub(crate) struct ReceiverGauge(Option<Arc<Gauge>>);

/// Looks at one hand-over, while its ends run and after. There is one for each, so that "since the last look" means
/// something.
#[derive(Debug)]
pub struct DepthWatch {
    gauge: Arc<Gauge>,
    capacity: u64,
    sent_before: u64,
}

/// The three ends of one gauge of a hand-over with room for `capacity`.
pub(crate) fn gauge(capacity: usize) -> (SenderGauge, ReceiverGauge, DepthWatch) {
    let gauge = Arc::new(Gauge::default());
    let watch = DepthWatch { gauge: Arc::clone(&gauge), capacity: capacity as u64, sent_before: 0 };
    (SenderGauge(Some(Arc::clone(&gauge))), ReceiverGauge(Some(gauge)), watch)
}

impl SenderGauge {
    /// Something was put in; whether something was `lost` for it.
    pub(crate) fn sent(&mut self, lost: bool) {
        if let Some(gauge) = &self.0 {
            gauge.sender.lost.add(u64::from(lost));
            gauge.sender.sent.add(1);
        }
    }
}

impl ReceiverGauge {
    /// Something was taken out, before which as much waited as `waiting` says; it is asked only where somebody watches.
    pub(crate) fn taken(&mut self, waiting: impl FnOnce() -> usize) {
        let Some(gauge) = &self.0 else { return };
        let look = gauge.looks.get() & u64::from(u32::MAX);
        let seen = gauge.receiver.most.load(Ordering::Relaxed);
        let before = if seen >> LOOK == look { seen & u64::from(u32::MAX) } else { 0 };
        let most = before.max(waiting() as u64).min(u64::from(u32::MAX));
        // The one writer of both: this end.
        gauge.receiver.most.store(look << LOOK | most, Ordering::Relaxed);
        gauge.receiver.taken.add(1);
    }
}

impl DepthWatch {
    /// How full it is now, and was since the last look. The two ends are looked at one after the other, so that what
    /// they do meanwhile may count or not.
    #[must_use]
    pub fn look(&mut self) -> Depth {
        let Gauge { sender, receiver, looks } = &*self.gauge;
        // The receiver's first: what is taken in between would else be missing from what was sent.
        let taken = receiver.taken.get();
        let (lost, sent) = (sender.lost.get(), sender.sent.get());
        let waiting = sent.saturating_sub(lost).saturating_sub(taken).min(self.capacity);
        let look = looks.get();
        let most = receiver.most.load(Ordering::Relaxed);
        let most = if most >> LOOK == look & u64::from(u32::MAX) { most & u64::from(u32::MAX) } else { 0 };
        // In room for one, whatever came was all there was, also where it was pushed out again.
        let passed = u64::from(self.capacity == 1 && sent > self.sent_before);
        looks.set(look.wrapping_add(1));
        self.sent_before = sent;
        Depth { capacity: self.capacity, waiting, most: most.max(waiting).max(passed).min(self.capacity), sent, lost }
    }
}
