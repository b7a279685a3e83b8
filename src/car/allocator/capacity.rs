//! What there is to divide, as the policy in force believes it.

use std::time::Duration;

use allocation::planned;
use allocation::policy::CapacitySource;
use transport::estimate::LinkEstimate;

/// The transport tells of its link ten times a second; what is older than this is true no more.
pub(super) const STALE: Duration = Duration::from_secs(2);

/// The uplink's rate, as the policy in force believes it.
pub(super) fn rate_bps(estimate: &LinkEstimate, source: CapacitySource) -> f64 {
    match source {
        CapacitySource::Estimate => estimate.rate_bps.max(0.0),
        CapacitySource::WindowOverRoundTrip if estimate.rtt.is_zero() => 0.0,
        CapacitySource::WindowOverRoundTrip => estimate.cwnd_bytes as f64 * 8.0 / estimate.rtt.as_secs_f64(),
    }
}

/// The round trip in seconds that goes with it.
pub(super) fn round_trip_s(estimate: &LinkEstimate, source: CapacitySource) -> f64 {
    match source {
        CapacitySource::Estimate => planned::round_trip(estimate.min_rtt).as_secs_f64(),
        CapacitySource::WindowOverRoundTrip => estimate.rtt.as_secs_f64(),
    }
}
