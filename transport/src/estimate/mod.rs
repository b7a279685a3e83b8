//! How fast the uplink is: an estimate that holds while the application does not fill the link, and falls at once when
//! the link does.
//!
//! Three witnesses are heard ([`RateEstimator`]): packet trains as the receiver saw them (true even when the sender is
//! idle most of the time), the acknowledgement rate over 200 ms (true while a queue is building), and silence or late
//! frames (which say that the first two are history). Windows and ratios are those of the transport notes' measurements.
//!
//! Beside it, [`ClockOffset`] tells from each result's four stamps which direction a queue stands in.

mod ack_window;
mod clock_offset;
mod estimator;
mod loss;
mod min_rtt;
mod train_window;

pub use clock_offset::{AbsurdStamps, ClockEstimate, ClockOffset, DelaySample};
pub use estimator::{EstimatorLimits, QUEUE_INFLATION, RateEstimator, RateRange};
pub use loss::LossEstimator;
pub use min_rtt::MinRtt;

use std::time::Duration;

use rt_core::clock::Monotonic;

/// What is known of the link at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkEstimate {
    /// Usable uplink rate, bits per second; zero while there is no connection.
    pub rate_bps: f64,
    /// How far the link has varied around that in the last second ([`RateEstimator::range`]), bytes per second; `None`
    /// where too little was measured.
    pub range: Option<RateRange>,
    /// Smoothed round-trip time of QUIC.
    pub rtt: Duration,
    /// Newest sample of it; zero before the first.
    pub latest_rtt: Duration,
    /// Smallest round-trip time seen on the path.
    pub min_rtt: Duration,
    /// Congestion window, bytes.
    pub cwnd_bytes: u64,
    /// BBR's latest delivery-rate sample, bytes per second; low whenever the application sends little.
    pub delivery_rate_bytes_per_s: f64,
    /// Whether that sample was taken while the application, not the link, was the limit.
    pub app_limited: bool,
    /// How much longer the newest frame header of the last second took upwards than the fastest one of the last 10 s:
    /// the uplink's queue. `None` without a result in the last second.
    pub uplink_delay_variation: Option<Duration>,
    /// The same of the result, downwards.
    pub downlink_delay_variation: Option<Duration>,
    /// The cloud's monotonic clock less the car's, nanoseconds, and by how much that may be wrong.
    pub clock: Option<ClockEstimate>,
    /// Results so far whose stamps could not be ([`AbsurdStamps`]).
    pub absurd_stamps: u64,
    /// Part of the packets that is lost, 0 to 1.
    pub loss: f64,
    /// Connections that the cloud has accepted: the one that carries the frames, and those that stand by.
    pub connections: u32,
    /// Whether the cloud can be reached.
    pub connected: bool,
    /// When this was known.
    pub at: Monotonic,
}

#[cfg(test)]
mod tests;
