//! What is due when; of what is due at once, what was planned first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A camera has a frame.
    Capture { service: usize, frame: usize },
    /// A service's encoder is done.
    Encoded { service: usize },
    /// A rule of the queue or the gate changes its answer by the clock alone.
    LookAgain,
    /// The acknowledgement of so many bits of a frame, given to the link at `handed`, reaches the car.
    Acknowledged { flight: usize, bits: u64, handed: Duration },
    /// The car learns that so many bits of a frame found the link's queue full.
    Lost { flight: usize, bits: u64 },
    /// A frame's last byte reaches the cloud.
    Arrived { flight: usize },
    /// A worker of the cloud is done with a frame.
    Served { flight: usize },
    /// A result, or a refusal, reaches the car.
    Result { flight: usize },
}

/// The calendar of a run.
#[derive(Debug, Default)]
pub(super) struct Events {
    planned: u64,
    heap: BinaryHeap<Reverse<(Duration, u64, Event)>>,
}

impl Events {
    pub(super) fn at(&mut self, when: Duration, event: Event) {
        self.heap.push(Reverse((when, self.planned, event)));
        self.planned += 1;
    }

    pub(super) fn next(&mut self) -> Option<(Duration, Event)> {
        self.heap.pop().map(|Reverse((when, _, event))| (when, event))
    }
}
