//! What may be planned with of what was measured: round trips and the cloud's time.

use std::time::Duration;

/// Mean of a path's own jitter, as a part of its least round trip: an assumption, as for a cellular path without load.
pub const JITTER_PART: f64 = 0.05;
/// 95th percentile of an exponential distribution of mean 1, which the jitter is taken to have.
const EXPONENTIAL_P95: f64 = 2.996;

/// The share of the cloud's workers that may be planned for: bursts of several cameras at once need the rest.
const HEADROOM: f64 = 0.9;
/// However long the tail, a worker is not planned for more than this many times its typical load.
const MOST_SPREAD: f64 = 1.5;

/// The round trip to plan with on a path whose least is `least`: its 95th percentile without a queue.
///
/// A smoothed round trip has the car's own queue in it, which a frame does not wait for again, since its share of the
/// uplink counts it already; after a dip of the link it is so long that nothing would be sent for a second.
#[must_use]
pub fn round_trip(least: Duration) -> Duration {
    least.mul_f64(1.0 + JITTER_PART * EXPONENTIAL_P95)
}

/// Seconds of execution per second that `workers` workers are planned for, as `Capacity::with_cloud` takes them.
///
/// Choices carry the 95th percentile of the execution time, for the deadline; the load on a worker follows the typical
/// one. So the capacity is scaled by the narrowest of the `spreads`, each a model's 95th percentile over its median.
///
/// ```
/// use allocation::planned::cloud_seconds_per_s;
/// assert_eq!(cloud_seconds_per_s(1.0, [1.0]), 0.9);
/// assert_eq!(cloud_seconds_per_s(2.0, [1.25, 1.1]), 0.9 * 2.0 * 1.1);
/// assert_eq!(cloud_seconds_per_s(1.0, [9.0]), 0.9 * 1.5);
/// ```
#[must_use]
pub fn cloud_seconds_per_s(workers: f64, spreads: impl IntoIterator<Item = f64>) -> f64 {
    HEADROOM * workers * spreads.into_iter().fold(MOST_SPREAD, f64::min).max(1.0)
}
