//! One ping.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// One round trip to the cloud: log type 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingRecord {
    /// When it was sent.
    pub sent: Monotonic,
    /// How long the answer took; `None` where none came in time.
    pub round_trip: Option<Duration>,
}
