//! Depth-first branch and bound over the services, one level each, down to the listed answers of the last ones.

use std::cmp::Ordering;

use super::bound::Fan;
use super::item::{Item, Limits, Sums};
use super::tail::Tail;

/// Most nodes and listed answers one solve visits.
pub(crate) const VISIT_LIMIT: u32 = 1 << 21;

/// One level of the search.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level {
    /// Index of the service.
    pub service: usize,
    /// The nearest earlier service with the very same items.
    pub twin: Option<usize>,
    /// The highest reduced key of its items.
    pub most: f64,
    /// What the levels before this one need at least, and those after it.
    pub least_before: Sums,
    pub least_after: Sums,
}

/// What the search knows beforehand.
pub(crate) struct Ground<'a> {
    /// Items per service, by rising loss.
    pub services: &'a [Vec<Item>],
    /// The levels above the list.
    pub levels: &'a [Level],
    pub tail: &'a Tail,
    pub fan: &'a Fan,
    pub limits: Limits,
    /// The root's bound, off which the losses are taken.
    pub bound: f64,
    /// What rounding can take off a bound.
    pub slack: f64,
}

/// The best answer so far and the way to the present node, by rank.
#[derive(Debug, Default)]
pub(crate) struct Incumbent {
    pub sums: Sums,
    pub ranks: Vec<usize>,
    pub path: Vec<usize>,
    pub visits: u32,
}

impl Ground<'_> {
    /// Tries every item of the service at `depth`.
    pub(crate) fn descend(&self, best: &mut Incumbent, depth: usize, sums: Sums, loss: f64) {
        let Some(level) = self.levels.get(depth) else { return self.look(best, sums, loss) };
        let Some(items) = self.services.get(level.service) else { return };
        let twin = level.twin.and_then(|twin| best.path.get(twin).copied());
        for item in items {
            // The items rise in loss: where one cannot reach the best, none after it can.
            if self.bound - loss - item.loss < best.sums.key || best.visits >= VISIT_LIMIT {
                return;
            }
            let next = sums.plus(item.sums);
            // Twins are interchangeable; of the orders of their choices only the one that wins ties is looked at.
            if !next.plus(level.least_after).fits(self.limits) || twin.is_some_and(|twin| item.rank < twin) {
                continue;
            }
            // With more bits than the best so far only more utility is better.
            let more_rate = next.rate + level.least_after.rate > best.sums.rate;
            let enough = best.sums.key + if more_rate { 1.0 } else { 0.0 } - self.slack;
            let (rate, cloud) = (self.limits.uplink - next.rate, self.limits.cloud - next.cloud);
            if !self.fan.reaches(depth, rate, cloud, enough - next.key) {
                continue;
            }
            best.visits += 1;
            if let Some(slot) = best.path.get_mut(level.service) {
                *slot = item.rank;
            }
            self.descend(best, depth + 1, next, loss + item.loss);
        }
    }

    /// Completes the answer by each of the list.
    fn look(&self, best: &mut Incumbent, sums: Sums, loss: f64) {
        let mut visits = 0;
        for entry in self.tail.entries() {
            if self.bound - loss - entry.loss < best.sums.key {
                break;
            }
            visits += 1;
            let total = sums.plus(entry.sums);
            if total.key < best.sums.key || !total.fits(self.limits) {
                continue;
            }
            let order = total.cmp_best_first(&best.sums);
            if order == Ordering::Greater {
                continue;
            }
            self.tail.write_ranks(entry, &mut best.path);
            if order == Ordering::Less || best.path < best.ranks {
                best.sums = total;
                best.ranks.clone_from(&best.path);
            }
        }
        best.visits = best.visits.saturating_add(visits);
    }
}
