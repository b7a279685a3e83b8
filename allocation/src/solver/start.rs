//! The answers that a search begins with: every favourite, what is in force, the best priced answer.

use super::Solver;
use super::item::{Limits, Sums, preference};
use crate::allocation::Allocation;

impl Solver {
    /// Every service's favourite, which is the answer where the uplink and the cloud carry it; returns the sums.
    pub(super) fn take_favourites(&mut self, count: usize) -> Sums {
        let (best, active) = (&mut self.best, self.services.get(..count).unwrap_or_default());
        best.ranks.clear();
        best.sums = Sums::default();
        for favourite in active.iter().filter_map(|items| items.iter().min_by(|a, b| preference(a, b))) {
            best.sums = best.sums.plus(favourite.sums);
            best.ranks.push(favourite.rank);
        }
        best.sums
    }

    /// Starts from the on-vehicle detectors, or from what is in force where that still fits and is better.
    pub(super) fn start_incumbent(&mut self, count: usize, limits: Limits, allocation: &Allocation) {
        let (best, active) = (&mut self.best, self.services.get(..count).unwrap_or_default());
        best.ranks.clear();
        best.ranks.resize(count, 0);
        best.sums =
            active.iter().filter_map(|items| items.first()).fold(Sums::default(), |sums, item| sums.plus(item.sums));
        best.rival.clear();
        let mut sums = Sums::default();
        for (items, answer) in active.iter().zip(&allocation.services) {
            let rank = answer.assured().map_or(0, |choice| choice + 1);
            // A choice that is gone has no item; then there is nothing to start from.
            if let Some(item) = items.iter().find(|item| item.rank == rank) {
                sums = sums.plus(item.sums);
                best.rival.push(rank);
            }
        }
        if best.rival.len() == count && sums.fits(limits) && sums.cmp_best_first(&best.sums).is_lt() {
            best.sums = sums;
            best.ranks.clone_from(&best.rival);
        }
    }

    /// Goes on with the best priced answer where that is better.
    pub(super) fn take_found(&mut self) {
        if let Some(found) = self.prices.found.filter(|found| found.cmp_best_first(&self.best.sums).is_lt()) {
            self.best.sums = found;
            self.best.ranks.clone_from(&self.prices.found_ranks);
        }
    }
}
