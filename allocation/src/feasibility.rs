//! What a choice needs of the uplink so that its result is back before the deadline.

use crate::choice::Choice;
use crate::problem::{Capacity, Demand};

/// Less slack than this is none: it is below what any clock here resolves, and differences of rounding reach it.
const MIN_SLACK_S: f64 = 1e-6;

/// The least uplink rate, in bit/s, at which `choice` keeps the deadline; `None` where no rate would.
///
/// With payload S, deadline D, round trip R, execution T, encoding E and margin m (tails, not means), a frame is on
/// time if S / b ≤ D − R − T − E − m, so b ≥ S / (D − R − T − E − m). That a stream of frames can be sustained asks
/// for b ≥ mean bits · fps beside it, or each frame would wait for the one before.
///
/// ```
/// use allocation::{choice::{Choice, Costs}, feasibility::required_bps, problem::{Capacity, Demand}};
/// let costs = Costs { payload_bits: 1e6, mean_bits: 0.9e6, encode_s: 0.0, execution_s: 0.05 };
/// let choice = Choice::new("edd4-imgcompNone-inpcomp50".parse()?, costs, 0.49)?;
/// let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.0, floor_accuracy: 0.4 };
/// let needed = required_bps(&choice, &demand, &Capacity::new(50e6, 0.05)?).ok_or("no slack")?;
/// assert!((needed - 10e6).abs() < 1.0); // 1 Mbit in the remaining 100 ms
/// assert_eq!(required_bps(&choice, &demand, &Capacity::new(50e6, 0.15)?), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[inline]
pub fn required_bps(choice: &Choice, demand: &Demand, capacity: &Capacity) -> Option<f64> {
    let (costs, slack_s) = (choice.costs(), slack_s(choice, demand, capacity)?);
    let needed = (costs.payload_bits / slack_s).max(costs.mean_bits * demand.fps);
    // A payload beyond all measure overflows to infinity, which no uplink carries.
    needed.is_finite().then_some(needed)
}

/// Seconds that the uplink has for a frame; `None` where there is no time at any rate.
#[must_use]
#[inline]
pub fn slack_s(choice: &Choice, demand: &Demand, capacity: &Capacity) -> Option<f64> {
    let costs = choice.costs();
    let slack_s = demand.slo_s - capacity.rtt_s() - costs.execution_s - costs.encode_s - demand.margin_s;
    (slack_s >= MIN_SLACK_S).then_some(slack_s)
}

/// As [`required_bps`], from point estimates as the prototype makes them: b ≥ mean S / (D − R − median T), without tails,
/// encoding, margin or what a stream of frames needs.
#[must_use]
#[inline]
pub fn required_bps_of_point_estimates(choice: &Choice, demand: &Demand, capacity: &Capacity) -> Option<f64> {
    let slack_s = demand.slo_s - capacity.rtt_s() - choice.typical_execution_s();
    let needed = choice.costs().mean_bits / slack_s;
    (slack_s >= MIN_SLACK_S && needed.is_finite()).then_some(needed)
}

/// Seconds of the cloud's time that `choice` takes per second.
#[must_use]
#[inline]
pub fn cloud_seconds_per_s(choice: &Choice, demand: &Demand) -> f64 {
    choice.costs().execution_s * demand.fps
}
