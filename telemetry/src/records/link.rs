//! One sample of the uplink's state.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// What the transport knew of the link at one moment: log type 5.
#[derive(Clone, Copy, Debug)]
pub struct LinkRecord {
    /// When it was sampled.
    pub at: Monotonic,
    /// Time since the connection was established.
    pub since_connection: Duration,
    /// Smoothed round trip.
    pub rtt: Duration,
    /// Congestion window, bytes.
    pub cwnd_bytes: u32,
    /// Delivery rate that acknowledgements showed, bytes per second.
    pub delivery_rate_bytes_per_s: f64,
    /// Whether the application, not the network, limited that rate.
    pub app_limited: bool,
    /// The capacity estimate that the allocator was given, bytes per second.
    pub estimate_bytes_per_s: f64,
    /// How far the link has varied around that in the last second, bytes per second: one byte in ten came more slowly than
    /// the first, one in ten faster than the second. `None` where too little was measured; in the event log alone.
    pub range_bytes_per_s: Option<(f64, f64)>,
    /// Part of the packets that is lost, 0 to 1; not logged.
    pub loss: f64,
    /// Connections that the cloud has accepted: the one that carries the frames, and those that stand by; not logged.
    pub connections: u32,
}
