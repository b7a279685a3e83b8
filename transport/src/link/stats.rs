//! Counters that any thread may read while the link runs.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Live counters of a link; written by its thread alone.
#[derive(Debug, Default)]
pub(super) struct LinkStats {
    pub(super) up: DirectionStats,
    pub(super) down: DirectionStats,
    pub(super) clients: AtomicU64,
    /// When it started to relay, ns of the monotonic clock; 0 before.
    pub(super) started_ns: AtomicU64,
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
    /// Packets lost at random.
    dropped_loss,
    /// Packets larger than the MTU.
    dropped_mtu,
    /// Packets dropped because the emulator holds as many as it has room for: raise `packets_per_direction`.
    dropped_no_room,
    /// Packets of a client that no place could be found for, or that has lost its place.
    dropped_no_client,
    /// Packets that the kernel refused: its buffer was full, or there was no way to the far end.
    dropped_undeliverable,
    /// Bytes in the queue now.
    queue_bytes,
}

impl DirectionSnapshot {
    /// Packets dropped for whatever reason.
    #[must_use]
    pub const fn dropped_packets(&self) -> u64 {
        self.dropped_queue
            + self.dropped_loss
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
}

impl LinkStats {
    pub(super) fn snapshot(&self) -> LinkSnapshot {
        LinkSnapshot {
            up: self.up.snapshot(),
            down: self.down.snapshot(),
            clients: self.clients.load(Ordering::Relaxed),
        }
    }
}

/// Counts one; a plain store would do for a single writer, but the addition costs nothing here.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
