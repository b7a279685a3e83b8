//! One direction of a link in virtual time: a bottleneck with a byte-limited drop-tail queue, then a delay line.
//!
//! It reads no clock and moves no bytes: whoever drives it says what time it is, so that the same model runs in the
//! emulator, in tests against an oracle, and faster than real time.

mod change;
mod config;
mod delay_line;
mod effects;
mod fate;

use std::collections::VecDeque;

use rt_core::clock::Monotonic;

use super::trace::Trace;
use delay_line::DelayLine;
use fate::{Fate, Fates};

pub use change::Change;
pub use config::{PathConfig, PathConfigError};
pub use effects::{BurstLoss, Damage, Effects, Reorder};

/// Why a packet never entered the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It would not have fitted into the queue's bytes.
    QueueFull,
    /// The path holds as many packets as it was built for.
    TooMany,
}

/// A packet that has come out at the far end, or would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<T> {
    /// What was offered with it.
    pub token: T,
    /// Its size on the wire, headers included.
    pub wire_bytes: u32,
    /// When it arrives.
    pub at: Monotonic,
    /// It was lost on the way: it took its share of the capacity, and that is all.
    pub lost: bool,
    /// What else befell it.
    pub effects: Effects,
}

struct Queued<T> {
    token: T,
    wire_bytes: u32,
    fate: Fate,
}

/// One direction of a link; `T` is whatever identifies a packet to its owner. Allocates only when built.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use std::time::Duration;
/// use transport::link::{Path, PathConfig, Trace};
/// let config = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(12_000_000)) };
/// let mut path = Path::new(config.delayed(Duration::from_millis(20)), 7, Monotonic::ZERO, 64);
/// path.offer(Monotonic::ZERO, 1500, "packet").expect("an empty queue takes it");
/// // 1500 bytes at 12 Mbit/s are 1 ms, and the way takes 20.
/// assert_eq!(path.next_event(), Some(Monotonic::from_ns(21_000_000)));
/// assert_eq!(path.take(Monotonic::from_ns(21_000_000)).map(|packet| packet.token), Some("packet"));
/// ```
pub struct Path<T> {
    config: PathConfig,
    /// Where the trace begins.
    origin: Monotonic,
    /// The latest instant it was told of; an earlier one counts as this.
    latest: Monotonic,
    queue: VecDeque<Queued<T>>,
    queued_bytes: u64,
    /// Position on the trace's curve where the head of the queue has left; meaningless for an empty queue and while
    /// nothing passes.
    head_end_bits: u64,
    /// Bits of the head still to leave, while nothing passes.
    blackout: Option<u64>,
    flight: DelayLine<T>,
    capacity_packets: usize,
    fates: Fates,
    /// What the path could have carried before `capacity_from`, bits.
    capacity_before_bits: u64,
    /// Since when the trace or the blackout that hold now do.
    capacity_from: Monotonic,
}

impl<T> Path<T> {
    /// An idle path whose trace begins at `origin`, with room for `capacity_packets` queued or on their way.
    #[must_use]
    pub fn new(config: PathConfig, seed: u64, origin: Monotonic, capacity_packets: usize) -> Self {
        Self {
            config,
            origin,
            latest: origin,
            queue: VecDeque::with_capacity(capacity_packets),
            queued_bytes: 0,
            head_end_bits: 0,
            blackout: None,
            flight: DelayLine::new(capacity_packets),
            capacity_packets,
            fates: Fates::new(seed),
            capacity_before_bits: 0,
            capacity_from: origin,
        }
    }

    /// Puts a packet of `payload_bytes` at the tail of the queue at `now`, which never runs backwards.
    ///
    /// The fate of the k-th packet offered depends on the seed alone: not on timing, and not on the other packets'.
    ///
    /// # Errors
    /// Gives the token back with the reason where the packet is dropped at the tail.
    pub fn offer(&mut self, now: Monotonic, payload_bytes: u32, token: T) -> Result<(), (Refusal, T)> {
        let now = self.settle(now);
        let fate = self.fates.next(&self.config);
        let wire_bytes = payload_bytes.saturating_add(self.config.overhead_bytes);
        if self.queued_bytes + u64::from(wire_bytes) > self.config.queue_bytes {
            return Err((Refusal::QueueFull, token));
        }
        if self.packets() >= self.capacity_packets {
            return Err((Refusal::TooMany, token));
        }
        if self.queue.is_empty() {
            self.begin_head(self.position(now), wire_bytes);
        }
        self.queued_bytes += u64::from(wire_bytes);
        self.queue.push_back(Queued { token, wire_bytes, fate });
        Ok(())
    }

    /// The next packet that has arrived by `now`, in the order of arrival: that in which they were offered, but for
    /// packets held back by [`PathConfig::reorder`].
    pub fn take(&mut self, now: Monotonic) -> Option<Delivery<T>> {
        let now = self.settle(now);
        self.flight.take(now)
    }

    /// When to call [`Path::take`] next; `None` where it will never have something, as things stand.
    ///
    /// Exact but for a packet in the queue that is going to be held back: then it may name an instant at which there is
    /// nothing yet, and asked again after that, a later one.
    #[must_use]
    pub fn next_event(&self) -> Option<Monotonic> {
        let head = self.queue.front().and_then(|head| {
            // One that will be held back holds up nobody, whatever its own jitter.
            let jitter_ns = if head.fate.held_back_ns.is_some() { 0 } else { head.fate.jitter_ns };
            Some(self.arrival(self.head_departure()?, jitter_ns))
        });
        self.flight.next_arrival().into_iter().chain(head).min()
    }

    /// Changes one property from `now` on. Packets that have left the bottleneck keep their delay, and those in the
    /// queue what the dice said when they were offered; none that keeps its turn overtakes another.
    pub fn apply(&mut self, now: Monotonic, change: Change) {
        match change {
            Change::Trace(trace) => self.set_trace(now, trace),
            Change::Blackout(on) => self.set_blackout(now, on),
            other => {
                self.settle(now);
                other.write(&mut self.config);
            }
        }
    }

    /// Lets another trace shape the path from `now` on; its phase is that of the first trace's start. A packet half
    /// sent keeps what it has.
    pub fn set_trace(&mut self, now: Monotonic, trace: Trace) {
        let now = self.settle(now);
        let left = self.head_left_bits(now);
        self.count_capacity(now);
        self.config.trace = trace;
        if self.blackout.is_none() {
            self.head_end_bits = self.position(now).saturating_add(left);
        }
    }

    /// Stops the bottleneck (`true`) or lets it go on; packets stay in the queue and the trace's time passes meanwhile.
    pub fn set_blackout(&mut self, now: Monotonic, on: bool) {
        let now = self.settle(now);
        let left = self.head_left_bits(now);
        self.count_capacity(now);
        if on {
            self.blackout = Some(left);
        } else if self.blackout.take().is_some() {
            self.head_end_bits = self.position(now).saturating_add(left);
        }
    }

    /// Bits that the path could have carried from its origin to `now`, through all changes and blackouts: the truth
    /// that an estimate, or a share of what was possible, is held against.
    #[must_use]
    pub fn capacity_bits(&self, now: Monotonic) -> u64 {
        let since = match self.blackout {
            Some(_) => 0,
            None => self.position(now).saturating_sub(self.position(self.capacity_from)),
        };
        self.capacity_before_bits.saturating_add(since)
    }

    /// Bytes in the queue as of the last call, the packet in service counted whole.
    #[must_use]
    pub const fn queued_bytes(&self) -> u64 {
        self.queued_bytes
    }

    /// Packets queued or on their way.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.queue.len() + self.flight.len()
    }

    /// What shapes it.
    #[must_use]
    pub const fn config(&self) -> &PathConfig {
        &self.config
    }

    fn count_capacity(&mut self, now: Monotonic) {
        self.capacity_before_bits = self.capacity_bits(now);
        self.capacity_from = now;
    }

    /// Moves everything that has left the bottleneck by `now` onto the delay line; the instant it is now.
    fn settle(&mut self, now: Monotonic) -> Monotonic {
        let now = now.max(self.latest);
        self.latest = now;
        while let Some(departure) = self.head_departure().filter(|&departure| departure <= now) {
            let Some(Queued { token, wire_bytes, fate }) = self.queue.pop_front() else { break };
            self.queued_bytes = self.queued_bytes.saturating_sub(u64::from(wire_bytes));
            let at = self.arrival(departure, fate.jitter_ns);
            let delivery = Delivery { token, wire_bytes, at, lost: fate.lost, effects: fate.effects };
            self.flight.push(delivery, fate.held_back_ns);
            if let Some(next) = self.queue.front() {
                // From where the head ended on the curve, not from its rounded instant: no error piles up.
                self.begin_head(self.head_end_bits, next.wire_bytes);
            }
        }
        now
    }

    fn begin_head(&mut self, position_bits: u64, wire_bytes: u32) {
        let bits = u64::from(wire_bytes) * 8;
        self.head_end_bits = position_bits.saturating_add(bits);
        if let Some(left) = &mut self.blackout {
            *left = bits;
        }
    }

    fn head_departure(&self) -> Option<Monotonic> {
        if self.queue.is_empty() || self.blackout.is_some() {
            return None;
        }
        let since_origin = self.config.trace.ns_of_bit(self.head_end_bits)?;
        Some(Monotonic::from_ns(self.origin.as_ns().checked_add(since_origin)?))
    }

    fn head_left_bits(&self, now: Monotonic) -> u64 {
        self.blackout.unwrap_or_else(|| self.head_end_bits.saturating_sub(self.position(now)))
    }

    fn position(&self, now: Monotonic) -> u64 {
        self.config.trace.bits_by_ns(now.as_ns().saturating_sub(self.origin.as_ns()))
    }

    /// When a packet that leaves the bottleneck at `departure` arrives in its turn.
    fn arrival(&self, departure: Monotonic, jitter_ns: u64) -> Monotonic {
        let undisturbed = departure.plus(self.config.delay);
        self.flight.in_turn(Monotonic::from_ns(undisturbed.as_ns().saturating_add(jitter_ns)))
    }
}

#[cfg(test)]
mod tests;
