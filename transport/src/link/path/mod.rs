//! One direction of a link in virtual time: a bottleneck with a byte-limited drop-tail queue, then a delay line.
//!
//! It reads no clock and moves no bytes: whoever drives it says what time it is, so that the same model runs in the
//! emulator, in tests against an oracle, and faster than real time.

mod config;

use std::collections::VecDeque;

use rt_core::clock::Monotonic;

use super::rng::Rng;
use super::trace::Trace;

pub use config::{PathConfig, PathConfigError};

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
}

struct Queued<T> {
    token: T,
    wire_bytes: u32,
    extra_delay_ns: u64,
    lost: bool,
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
    queue: VecDeque<Queued<T>>,
    queued_bytes: u64,
    /// Position on the trace's curve where the head of the queue has left; meaningless for an empty queue and while
    /// nothing passes.
    head_end_bits: u64,
    /// Bits of the head still to leave, while nothing passes.
    blackout: Option<u64>,
    flight: VecDeque<Delivery<T>>,
    last_arrival: Monotonic,
    capacity_packets: usize,
    rng: Rng,
}

impl<T> Path<T> {
    /// An idle path whose trace begins at `origin`, with room for `capacity_packets` queued or on their way.
    #[must_use]
    pub fn new(config: PathConfig, seed: u64, origin: Monotonic, capacity_packets: usize) -> Self {
        Self {
            config,
            origin,
            queue: VecDeque::with_capacity(capacity_packets),
            queued_bytes: 0,
            head_end_bits: 0,
            blackout: None,
            flight: VecDeque::with_capacity(capacity_packets),
            last_arrival: Monotonic::ZERO,
            capacity_packets,
            rng: Rng::new(seed),
        }
    }

    /// Puts a packet of `payload_bytes` at the tail of the queue at `now`, which never runs backwards.
    ///
    /// Every offer draws once for loss and once for jitter, so that the fate of the k-th packet depends on the seed
    /// alone and not on timing.
    ///
    /// # Errors
    /// Gives the token back with the reason where the packet is dropped at the tail.
    pub fn offer(&mut self, now: Monotonic, payload_bytes: u32, token: T) -> Result<(), (Refusal, T)> {
        self.settle(now);
        let lost = self.rng.unit() < self.config.loss;
        let extra_delay_ns = (self.rng.unit() * self.config.jitter.as_nanos() as f64) as u64;
        let wire_bytes = payload_bytes.saturating_add(self.config.overhead_bytes);
        if self.queued_bytes + u64::from(wire_bytes) > self.config.queue_bytes {
            return Err((Refusal::QueueFull, token));
        }
        if self.queue.len() + self.flight.len() >= self.capacity_packets {
            return Err((Refusal::TooMany, token));
        }
        if self.queue.is_empty() {
            self.begin_head(self.position(now), wire_bytes);
        }
        self.queued_bytes += u64::from(wire_bytes);
        self.queue.push_back(Queued { token, wire_bytes, extra_delay_ns, lost });
        Ok(())
    }

    /// The next packet that has arrived by `now`, in the order they were offered.
    pub fn take(&mut self, now: Monotonic) -> Option<Delivery<T>> {
        self.settle(now);
        if self.flight.front()?.at <= now { self.flight.pop_front() } else { None }
    }

    /// When [`Path::take`] will next have something; `None` where that is never, as things stand.
    #[must_use]
    pub fn next_event(&self) -> Option<Monotonic> {
        if let Some(first) = self.flight.front() {
            return Some(first.at);
        }
        let head = self.queue.front()?;
        Some(self.arrival(self.head_departure()?, head.extra_delay_ns))
    }

    /// Lets another trace shape the path from `now` on; its phase is that of the first trace's start. A packet half
    /// sent keeps what it has.
    pub fn set_trace(&mut self, now: Monotonic, trace: Trace) {
        self.settle(now);
        let left = self.head_left_bits(now);
        self.config.trace = trace;
        if self.blackout.is_none() {
            self.head_end_bits = self.position(now).saturating_add(left);
        }
    }

    /// Stops the bottleneck (`true`) or lets it go on; packets stay in the queue and the trace's time passes meanwhile.
    pub fn set_blackout(&mut self, now: Monotonic, on: bool) {
        self.settle(now);
        let left = self.head_left_bits(now);
        if on {
            self.blackout = Some(left);
        } else if self.blackout.take().is_some() {
            self.head_end_bits = self.position(now).saturating_add(left);
        }
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

    /// Moves everything that has left the bottleneck by `now` onto the delay line.
    fn settle(&mut self, now: Monotonic) {
        while let Some(departure) = self.head_departure().filter(|&departure| departure <= now) {
            let Some(head) = self.queue.pop_front() else { return };
            self.queued_bytes = self.queued_bytes.saturating_sub(u64::from(head.wire_bytes));
            let at = self.arrival(departure, head.extra_delay_ns);
            self.last_arrival = at;
            self.flight.push_back(Delivery { token: head.token, wire_bytes: head.wire_bytes, at, lost: head.lost });
            if let Some(next) = self.queue.front() {
                // From where the head ended on the curve, not from its rounded instant: no error piles up.
                self.begin_head(self.head_end_bits, next.wire_bytes);
            }
        }
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

    /// Jitter never reorders: a packet waits for the one before it, as on a radio bearer with in-order delivery.
    fn arrival(&self, departure: Monotonic, extra_delay_ns: u64) -> Monotonic {
        let undisturbed = departure.plus(self.config.delay);
        Monotonic::from_ns(undisturbed.as_ns().saturating_add(extra_delay_ns)).max(self.last_arrival)
    }
}

#[cfg(test)]
mod tests;
