//! Packets between the bottleneck and the far end: a line that keeps its order, and beside it those held back.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use rt_core::clock::Monotonic;

use super::Delivery;

/// Number of a packet in the order in which packets left the bottleneck.
type Turn = u64;

/// All packets on their way; of a fixed capacity that its owner keeps to.
pub(super) struct DelayLine<T> {
    in_order: VecDeque<(Turn, Delivery<T>)>,
    held_back: BinaryHeap<Reverse<HeldBack<T>>>,
    next_turn: Turn,
    /// Arrival of the last packet that kept its turn; no such packet arrives before it.
    last_arrival: Monotonic,
    /// One more than the highest turn that has arrived; a packet with a lower one was overtaken.
    arrived_before: Turn,
}

struct HeldBack<T> {
    turn: Turn,
    delivery: Delivery<T>,
}

impl<T> HeldBack<T> {
    const fn key(&self) -> (Monotonic, Turn) {
        (self.delivery.at, self.turn)
    }
}

impl<T> PartialEq for HeldBack<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for HeldBack<T> {}

impl<T> PartialOrd for HeldBack<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for HeldBack<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> DelayLine<T> {
    pub(super) fn new(capacity_packets: usize) -> Self {
        Self {
            in_order: VecDeque::with_capacity(capacity_packets),
            held_back: BinaryHeap::with_capacity(capacity_packets),
            next_turn: 0,
            last_arrival: Monotonic::ZERO,
            arrived_before: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.held_back.len()
    }

    /// When a packet arrives that would arrive at `undisturbed` if it were alone: jitter never reorders, a packet waits
    /// for the one before it, as on a radio bearer with in-order delivery.
    pub(super) fn in_turn(&self, undisturbed: Monotonic) -> Monotonic {
        undisturbed.max(self.last_arrival)
    }

    /// Takes in the next packet, which arrives at `delivery.at`; that is [`DelayLine::in_turn`], and `held_back_ns`
    /// later where it is held back.
    pub(super) fn push(&mut self, mut delivery: Delivery<T>, held_back_ns: Option<u64>) {
        let turn = self.next_turn;
        self.next_turn += 1;
        match held_back_ns {
            None => {
                self.last_arrival = delivery.at;
                self.in_order.push_back((turn, delivery));
            }
            Some(extra_ns) => {
                delivery.at = Monotonic::from_ns(delivery.at.as_ns().saturating_add(extra_ns));
                self.held_back.push(Reverse(HeldBack { turn, delivery }));
            }
        }
    }

    /// When the next packet arrives.
    pub(super) fn next_arrival(&self) -> Option<Monotonic> {
        self.first().map(|(at, _)| at)
    }

    /// The next packet that has arrived by `now`, in the order of arrival.
    pub(super) fn take(&mut self, now: Monotonic) -> Option<Delivery<T>> {
        let (at, in_order) = self.first()?;
        if at > now {
            return None;
        }
        let (turn, mut delivery) = if in_order {
            self.in_order.pop_front()?
        } else {
            let Reverse(HeldBack { turn, delivery }) = self.held_back.pop()?;
            (turn, delivery)
        };
        if !delivery.lost {
            delivery.effects.overtaken = turn < self.arrived_before;
            self.arrived_before = self.arrived_before.max(turn + 1);
        }
        Some(delivery)
    }

    /// The next arrival, and whether it is of a packet that kept its turn.
    fn first(&self) -> Option<(Monotonic, bool)> {
        let in_order = self.in_order.front().map(|(turn, delivery)| (delivery.at, *turn, true));
        let held_back = self.held_back.peek().map(|Reverse(held)| (held.delivery.at, held.turn, false));
        in_order.into_iter().chain(held_back).min().map(|(at, _, in_order)| (at, in_order))
    }
}
