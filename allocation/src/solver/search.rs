//! Depth-first branch and bound over the services, one level each.

use std::cmp::Ordering;

use super::bound::{Bounds, safely_up};
use super::item::Item;

/// Most nodes one solve visits.
pub(crate) const NODE_LIMIT: u32 = 1 << 18;

/// The sums of a full or partial answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub key: i64,
    pub rate: u64,
    pub cloud: u64,
}

impl Sums {
    pub(crate) fn plus(self, item: &Item) -> Self {
        Self {
            key: self.key + item.key,
            rate: self.rate.saturating_add(item.rate),
            cloud: self.cloud.saturating_add(item.cloud),
        }
    }

    pub(crate) fn fits(self, limit: Limits) -> bool {
        self.rate <= limit.uplink && self.cloud <= limit.cloud
    }

    /// `Less` where `self` is the better: more utility, more kept, fewer bits, less cloud time.
    pub(crate) fn cmp_best_first(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(self.rate.cmp(&other.rate)).then(self.cloud.cmp(&other.cloud))
    }
}

/// The shared capacities in whole units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub uplink: u64,
    pub cloud: u64,
}

/// What the levels of the search know beforehand.
pub(crate) struct Ground<'a> {
    /// Items per service, by falling reduced value.
    pub services: &'a [Vec<Item>],
    pub bounds: &'a Bounds,
    /// For each depth, the most that the services from there on add in reduced value.
    pub reduced_after: &'a [f64],
    /// For each service, the nearest earlier one with the very same items.
    pub twins: &'a [Option<usize>],
    pub limits: Limits,
    /// The priced capacities, which the reduced bound adds.
    pub priced_capacity: f64,
}

/// The best answer so far and the way to the present node, by rank.
#[derive(Debug, Default)]
pub(crate) struct Incumbent {
    pub sums: Sums,
    pub ranks: Vec<usize>,
    pub path: Vec<usize>,
    pub nodes: u32,
}

impl Ground<'_> {
    /// Tries every item of the service at `path.len()`.
    pub(crate) fn descend(&self, best: &mut Incumbent, sums: Sums, reduced: f64) {
        let depth = best.path.len();
        let Some(items) = self.services.get(depth) else {
            let order = sums.cmp_best_first(&best.sums);
            if order.then_with(|| best.path.cmp(&best.ranks)) == Ordering::Less {
                best.sums = sums;
                best.ranks.clone_from(&best.path);
            }
            return;
        };
        let remaining = self.services.len() - depth - 1;
        let after = self.reduced_after.get(depth + 1).copied().unwrap_or(0.0) + self.priced_capacity;
        let twin = self.twins.get(depth).copied().flatten().and_then(|twin| best.path.get(twin).copied());
        for item in items {
            // The items fall in reduced value: where one cannot reach the best, none after it can.
            if safely_up(reduced + item.reduced + after) < best.sums.key || best.nodes >= NODE_LIMIT {
                return;
            }
            let next = sums.plus(item);
            // Twins are interchangeable; of the orders of their choices only the one that wins ties is looked at.
            if !next.fits(self.limits) || twin.is_some_and(|twin| item.rank < twin) {
                continue;
            }
            let left = self.bounds.at(remaining, self.limits.uplink - next.rate, self.limits.cloud - next.cloud);
            let reach = next.key.saturating_add(left);
            if reach < best.sums.key || (reach == best.sums.key && next.rate > best.sums.rate) {
                continue;
            }
            best.nodes += 1;
            best.path.push(item.rank);
            self.descend(best, next, reduced + item.reduced);
            best.path.pop();
        }
    }
}
