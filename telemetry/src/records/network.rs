//! Bytes carried until one moment.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// What one service's bytes have come to: log type 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkRecord {
    /// When it was looked at.
    pub at: Monotonic,
    /// Time since the connection began; `None` while there is none.
    pub since_connection: Option<Duration>,
    /// The service.
    pub service: u16,
    /// Bytes given to QUIC since the start.
    pub sent_bytes: u64,
    /// Bytes that came since the start.
    pub received_bytes: u64,
}
