//! The choices of one service in whole numbers.
//!
//! The numbers are held as `f64`, in which whole numbers below 2⁵³ and their sums are exact: sums do not depend on
//! their order, equal utilities compare equal, ties break the same way on every machine, and the bounds need no
//! conversion.

use std::cmp::Ordering;

use crate::choice::Choice;
use crate::feasibility::{cloud_seconds_per_s, required_bps, required_bps_of_point_estimates};
use crate::problem::{Capacity, Demand, ServiceProblem};

/// Utility is counted in billionths: `value` = weight · accuracy gain · 10⁹.
const VALUE_SCALE: f64 = 1e9;
/// `key` = value · [`KEEP`] + 1 where the choice is the one in force: the second criterion can never outweigh the
/// first, as there are fewer than this many services.
const KEEP: f64 = 128.0;
/// Most services that the keys are exact for: 64 · 10³ (weight) · 10⁹ · 128 < 2⁵³.
pub(crate) const MOST_SERVICES: usize = 64;
/// Largest capacity that is counted, 2⁵² bit/s or ns/s; more than that is as good as this.
const MOST_CAPACITY: f64 = 4_503_599_627_370_496.0;

/// How the needs of a choice are reckoned.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// From typical values instead of tails.
    pub point_estimates: bool,
    pub hysteresis: f64,
}

impl Rules {
    /// The least rate at which a choice keeps the deadline, see [`crate::feasibility`].
    pub(crate) fn required(self, choice: &Choice, demand: &Demand, capacity: &Capacity) -> Option<f64> {
        if self.point_estimates {
            required_bps_of_point_estimates(choice, demand, capacity)
        } else {
            required_bps(choice, demand, capacity)
        }
    }
}

/// One candidate of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Item {
    /// What it costs and brings.
    pub sums: Sums,
    /// What choosing it takes off the bound at least; see [`super::prices`].
    pub loss: f64,
    /// 0 for the on-vehicle detector, else index in the menu + 1.
    pub rank: usize,
}

/// The order in which one item is preferred to another of the same service, best first.
pub(crate) fn preference(a: &Item, b: &Item) -> Ordering {
    a.sums.cmp_best_first(&b.sums).then(a.rank.cmp(&b.rank))
}

/// The shared capacities in whole units, or a part of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// bit/s.
    pub uplink: f64,
    /// ns/s.
    pub cloud: f64,
}

impl Limits {
    /// Rounded down.
    pub(crate) fn of(capacity: &Capacity) -> Self {
        let whole = |value: f64| value.min(MOST_CAPACITY).floor();
        Self { uplink: whole(capacity.uplink_bps()), cloud: whole(capacity.cloud_seconds_per_s() * 1e9) }
    }

    /// What is left of it beside `sums`.
    pub(crate) fn less(self, sums: Sums) -> Self {
        Self { uplink: self.uplink - sums.rate, cloud: self.cloud - sums.cloud }
    }

    pub(crate) fn plus(self, sums: Sums) -> Self {
        Self { uplink: self.uplink + sums.rate, cloud: self.cloud + sums.cloud }
    }
}

/// What an item, or a full or partial answer, needs and is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// Gain over the on-vehicle detector, and how many keep the choice in force.
    pub key: f64,
    /// bit/s needed, each rounded up.
    pub rate: f64,
    /// Nanoseconds of the cloud's time per second, each rounded up.
    pub cloud: f64,
}

impl Sums {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { key: self.key + other.key, rate: self.rate + other.rate, cloud: self.cloud + other.cloud }
    }

    pub(crate) fn fits(&self, limits: Limits) -> bool {
        (self.rate <= limits.uplink) & (self.cloud <= limits.cloud)
    }

    /// What is left of the key after paying for rate and cloud time.
    pub(crate) fn reduced(&self, rate_price: f64, cloud_price: f64) -> f64 {
        self.key - rate_price * self.rate - cloud_price * self.cloud
    }

    /// `Less` where `self` is the better: more utility, more kept, fewer bits, less cloud time.
    pub(crate) fn cmp_best_first(&self, other: &Self) -> Ordering {
        other.key.total_cmp(&self.key).then(self.rate.total_cmp(&other.rate)).then(self.cloud.total_cmp(&other.cloud))
    }
}

/// Fills `items` with the candidates of `service` that fit alone, the on-vehicle detector first.
///
/// Upward means more accurate than the choice in force. A choice in force that no rate can serve any more holds
/// nothing back.
pub(crate) fn fill(
    items: &mut Vec<Item>,
    service: &ServiceProblem,
    capacity: &Capacity,
    limits: Limits,
    in_force: Option<Option<usize>>,
    rules: Rules,
) {
    items.clear();
    let demand = service.demand();
    let accuracy_in_force = match in_force {
        None => None,
        Some(None) => Some(demand.floor_accuracy),
        Some(Some(index)) => service
            .menu
            .get(index)
            .filter(|choice| rules.required(choice, &demand, capacity).is_some())
            .map(|choice| choice.accuracy()),
    };
    let kept_bonus = |kept: bool| if kept { 1.0 } else { 0.0 };
    items.push(Item { sums: Sums { key: kept_bonus(in_force == Some(None)), ..Sums::default() }, ..Item::default() });
    for (index, choice) in service.menu.choices().iter().enumerate() {
        let gain = choice.accuracy() - demand.floor_accuracy;
        // Without a gain no rate is worth it; looked at first, as it costs nothing.
        if gain <= 0.0 {
            continue;
        }
        let Some(needed) = rules.required(choice, &demand, capacity) else { continue };
        let (rate, cloud) = (whole_above(needed), whole_above(cloud_seconds_per_s(choice, &demand) * 1e9));
        if rate > limits.uplink || cloud > limits.cloud {
            continue;
        }
        let kept = in_force == Some(Some(index));
        let upward = !kept && accuracy_in_force.is_some_and(|accuracy| choice.accuracy() > accuracy);
        let cost = capacity.cost_of(choice);
        let plain = scaled(demand.weight * gain - cost);
        let value = if upward { scaled(demand.weight * (gain - rules.hysteresis) - cost) } else { plain };
        if plain > 0.0 {
            let sums = Sums { key: value * KEEP + kept_bonus(kept), rate, cloud };
            items.push(Item { sums, loss: 0.0, rank: index + 1 });
        }
    }
}

// Conversions, since rounding is a call into the C library on processors without SSE 4.1.

/// The next whole number from one that is not negative; beyond 2⁶³ still more than any capacity.
fn whole_above(value: f64) -> f64 {
    let below = (value as i64) as f64;
    if below < value { below + 1.0 } else { below }
}

/// In billionths, and never a negative zero, which would not compare equal.
fn scaled(value: f64) -> f64 {
    let value = value * VALUE_SCALE;
    (value + 0.5_f64.copysign(value)) as i64 as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whole_numbers_are_the_nearest(value in prop_oneof![-1e3..1e3_f64, -1e-8..1e-8_f64, Just(-0.0)]) {
            prop_assert_eq!(whole_above(value.abs() * 1e9), (value.abs() * 1e9).ceil());
            prop_assert_eq!(scaled(value), (value * 1e9).round());
            prop_assert!(scaled(value) != 0.0 || scaled(value).is_sign_positive());
        }
    }

    #[test]
    fn what_has_no_measure_is_more_than_any_capacity() {
        assert!(whole_above(1e300) > MOST_CAPACITY && whole_above(f64::INFINITY) > MOST_CAPACITY);
    }
}
