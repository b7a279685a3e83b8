//! How much of the cloud's time may be planned for.

/// The share of the cloud's workers that may be planned for: bursts of several cameras at once need the rest.
const HEADROOM: f64 = 0.9;
/// However long the tail, a worker is not planned for more than this many times its typical load.
const MOST_SPREAD: f64 = 1.5;

/// Seconds of execution per second that `workers` workers are planned for, as `Capacity::with_cloud` takes them.
///
/// Choices carry the 95th percentile of the execution time, for the deadline; the load on a worker follows the typical
/// one. So the capacity is scaled by the narrowest of the `spreads`, each a model's 95th percentile over its median.
///
/// ```
/// use allocation::cloud::planned_seconds_per_s;
/// assert_eq!(planned_seconds_per_s(1.0, [1.0]), 0.9);
/// assert_eq!(planned_seconds_per_s(2.0, [1.25, 1.1]), 0.9 * 2.0 * 1.1);
/// assert_eq!(planned_seconds_per_s(1.0, [9.0]), 0.9 * 1.5);
/// ```
#[must_use]
pub fn planned_seconds_per_s(workers: f64, spreads: impl IntoIterator<Item = f64>) -> f64 {
    HEADROOM * workers * spreads.into_iter().fold(MOST_SPREAD, f64::min).max(1.0)
}
