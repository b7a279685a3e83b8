//! The choices of one service in whole numbers, less those that can never be part of the best answer.
//!
//! Sums of whole numbers are exact and do not depend on their order, so equal utilities compare equal and ties break
//! the same way on every machine.

use std::cmp::Ordering;

use crate::feasibility::{cloud_seconds_per_s, required_bps};
use crate::problem::{Capacity, ServiceProblem};

/// Utility is counted in billionths: `value` = weight · accuracy gain · 10⁹.
const VALUE_SCALE: f64 = 1e9;
/// `key` = value · [`KEEP`] + 1 where the choice is the one in force: the second criterion can never outweigh the
/// first, as there are fewer than this many services.
const KEEP: i64 = 128;
/// Most services that the keys are exact for: 64 · 10³ (weight) · 10⁹ · 128 < 2⁵³.
pub(crate) const MOST_SERVICES: usize = 64;

/// One candidate of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Item {
    /// Gain over the on-vehicle detector, and whether it is the choice in force.
    pub key: i64,
    /// bit/s needed, rounded up.
    pub rate: u64,
    /// Nanoseconds of the cloud's time per second, rounded up.
    pub cloud: u64,
    /// 0 for the on-vehicle detector, else index in the menu + 1.
    pub rank: usize,
    /// `key` less the price of `rate` and `cloud`; see [`super::bound`].
    pub reduced: f64,
}

/// Whole units of a capacity, rounded down; infinity becomes the largest number.
pub(crate) fn whole_capacity(value: f64) -> u64 {
    value as u64
}

fn whole_need(value: f64) -> u64 {
    value.ceil() as u64
}

/// Fills `items` with the candidates of `service`, the on-vehicle detector first.
///
/// Upward means more accurate than the choice in force. A choice in force that no rate can serve any more holds
/// nothing back.
pub(crate) fn fill(
    items: &mut Vec<Item>,
    service: &ServiceProblem,
    capacity: &Capacity,
    in_force: Option<Option<usize>>,
    hysteresis: f64,
) {
    items.clear();
    let demand = service.demand();
    let uplink = whole_capacity(capacity.uplink_bps());
    let cloud_limit = whole_capacity(capacity.cloud_seconds_per_s() * 1e9);
    let accuracy_in_force = match in_force {
        None => None,
        Some(None) => Some(demand.floor_accuracy),
        Some(Some(index)) => service
            .menu
            .get(index)
            .filter(|choice| required_bps(choice, &demand, capacity).is_some())
            .map(|choice| choice.accuracy()),
    };
    items.push(Item { key: i64::from(in_force == Some(None)), ..Item::default() });
    for (index, choice) in service.menu.choices().iter().enumerate() {
        let Some(needed) = required_bps(choice, &demand, capacity) else { continue };
        let (rate, cloud) = (whole_need(needed), whole_need(cloud_seconds_per_s(choice, &demand) * 1e9));
        let gain = choice.accuracy() - demand.floor_accuracy;
        if scaled(demand.weight * gain) <= 0 || rate > uplink || cloud > cloud_limit {
            continue;
        }
        let kept = in_force == Some(Some(index));
        let upward = !kept && accuracy_in_force.is_some_and(|accuracy| choice.accuracy() > accuracy);
        let value = scaled(demand.weight * if upward { gain - hysteresis } else { gain });
        items.push(Item { key: value * KEEP + i64::from(kept), rate, cloud, rank: index + 1, reduced: 0.0 });
    }
    drop_dominated(items);
}

fn scaled(value: f64) -> i64 {
    (value * VALUE_SCALE).round() as i64
}

/// The order in which one item is preferred to another of the same service, best first.
fn preference(a: &Item, b: &Item) -> Ordering {
    b.key.cmp(&a.key).then(a.rate.cmp(&b.rate)).then(a.cloud.cmp(&b.cloud)).then(a.rank.cmp(&b.rank))
}

/// Removes every item that another equals or beats in key, rate and cloud time: swapping the other in can only
/// improve an answer, by the very order that answers are compared in. What is left stands in order of rank.
fn drop_dominated(items: &mut Vec<Item>) {
    items.sort_unstable_by(preference);
    let mut kept = 0;
    for next in 0..items.len() {
        let Some(&item) = items.get(next) else { break };
        let beaten = items.iter().take(kept).any(|better| better.rate <= item.rate && better.cloud <= item.cloud);
        if !beaten {
            if let Some(slot) = items.get_mut(kept) {
                *slot = item;
            }
            kept += 1;
        }
    }
    items.truncate(kept);
    items.sort_unstable_by_key(|item| item.rank);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_dropped_is_beaten_by_something_kept(
            raw in prop::collection::vec((0..6i64, 0..6u64, 0..4u64), 1..20)
        ) {
            let all: Vec<Item> = raw
                .iter()
                .enumerate()
                .map(|(rank, &(key, rate, cloud))| Item { key, rate, cloud, rank, reduced: 0.0 })
                .collect();
            let mut kept = all.clone();
            drop_dominated(&mut kept);
            let beats = |a: &Item, b: &Item| {
                a.rank != b.rank && a.key >= b.key && a.rate <= b.rate && a.cloud <= b.cloud
                    && preference(a, b) == Ordering::Less
            };
            for item in &all {
                let is_kept = kept.contains(item);
                prop_assert_eq!(is_kept, !all.iter().any(|other| beats(other, item)));
            }
            prop_assert!(kept.iter().zip(kept.iter().skip(1)).all(|(a, b)| a.rank < b.rank));
        }
    }
}
