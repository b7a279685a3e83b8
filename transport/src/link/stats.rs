//! Counters that any thread may read while the link runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Live counters of a link; written by its thread alone.
#[derive(Debug, Default)]
pub(super) struct LinkStats {
    pub(super) up: DirectionStats,
    pub(super) down: DirectionStats,
    pub(super) clients: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) rebinds: AtomicU64,
    pub(super) rebinds_refused: AtomicU64,
}

macro_rules! direction_counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Live counters of one direction.
        #[derive(Debug, Default)]
        pub(super) struct DirectionStats { $(pub(super) $name: AtomicU64),+ }

        /// Counters of one direction at one moment. Bytes are on the wire: payload and headers.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct DirectionSnapshot { $($(#[$doc])* pub $name: u64),+ }

        impl DirectionStats {
            pub(super) fn snapshot(&self) -> DirectionSnapshot {
                DirectionSnapshot { $($name: self.$name.load(Ordering::Relaxed)),+ }
            }
        }
    };
}

direction_counters! {
    /// Packets that came in; each is counted once more below, or is still queued or on its way.
    offered_packets,
    /// Packets that were handed to the kernel; whether anyone listens at the far end is not known here.
    passed_packets,
    /// Their bytes.
    passed_bytes,
    /// Packets dropped because the queue was full.
    dropped_queue,
    /// Packets lost at random, each on its own.
    dropped_loss,
    /// Packets lost in bursts.
    dropped_burst,
    /// Packets larger than the MTU.
    dropped_mtu,
    /// Packets dropped because the emulator holds as many as it has room for: raise `packets_per_direction`.
    dropped_no_room,
    /// Packets of a client that no place could be found for, or that has lost its place.
    dropped_no_client,
    /// Packets that the kernel refused: its buffer was full, or there was no way to the far end.
    dropped_undeliverable,
    /// Packets that passed after one that had come in later.
    reordered,
    /// Packets that passed twice; the copies are not among the packets that passed.
    duplicated,
    /// Packets that passed with a byte changed.
    corrupted,
    /// Bytes in the queue now.
    queue_bytes,
    /// Bytes that could have passed so far, as the rate was; up to date when packets pass.
    capacity_bytes,
    /// When queue and capacity were last brought up to date, monotonic ns.
    counted_at_ns,
    /// Packets handed to the kernel more than 0.1 ms after their time: this and the next three say how true the
    /// emulation was on this machine.
    late_100us,
    /// More than 1 ms after their time.
    late_1ms,
    /// More than 10 ms after their time.
    late_10ms,
    /// The most that one was late, µs.
    latest_us,
}

impl DirectionStats {
    /// Books a packet that was handed to the kernel `late` after its time.
    pub(super) fn note_lateness(&self, late: Duration) {
        let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let bounds = [(100, &self.late_100us), (1_000, &self.late_1ms), (10_000, &self.late_10ms)];
        bounds.into_iter().take_while(|(bound_us, _)| late_us > *bound_us).for_each(|(_, counter)| count(counter));
        self.latest_us.fetch_max(late_us, Ordering::Relaxed);
    }
}

impl DirectionSnapshot {
    /// Packets dropped for whatever reason.
    #[must_use]
    pub const fn dropped_packets(&self) -> u64 {
        self.dropped_queue
            + self.dropped_loss
            + self.dropped_burst
            + self.dropped_mtu
            + self.dropped_no_room
            + self.dropped_no_client
            + self.dropped_undeliverable
    }
}

/// Counters of a link at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkSnapshot {
    /// From the clients to the server.
    pub up: DirectionSnapshot,
    /// From the server to the clients.
    pub down: DirectionSnapshot,
    /// Clients that have been given a socket so far.
    pub clients: u64,
    /// Commands that came while it ran and that it has carried out; those of its script are not among them.
    pub commands: u64,
    /// NAT rebindings so far.
    pub rebinds: u64,
    /// Clients that kept their socket in one, because the kernel had none to give.
    pub rebinds_refused: u64,
}

impl LinkStats {
    pub(super) fn snapshot(&self) -> LinkSnapshot {
        LinkSnapshot {
            up: self.up.snapshot(),
            down: self.down.snapshot(),
            clients: self.clients.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            rebinds: self.rebinds.load(Ordering::Relaxed),
            rebinds_refused: self.rebinds_refused.load(Ordering::Relaxed),
        }
    }
}

/// Counts one; a plain store would do for a single writer, but the addition costs nothing here.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
