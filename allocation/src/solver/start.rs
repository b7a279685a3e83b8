//! The answers that a search begins with: every favourite, what is in force, the best priced answer filled up.

use super::Solver;
use super::item::{Limits, Sums, preference};
use crate::allocation::Allocation;

impl Solver {
    /// Where the uplink and the cloud carry every service's favourite, that is the answer.
    pub(super) fn take_favourites(&mut self, count: usize, limits: Limits) -> bool {
        let (best, active) = (&mut self.best, self.services.get(..count).unwrap_or_default());
        best.ranks.clear();
        best.sums = Sums::default();
        for favourite in active.iter().filter_map(|items| items.iter().min_by(|a, b| preference(a, b))) {
            best.sums = best.sums.plus(favourite.sums);
            best.ranks.push(favourite.rank);
        }
        best.sums.fits(limits)
    }

    /// Starts from the on-vehicle detectors, or from what is in force where that still fits and is better.
    pub(super) fn start_incumbent(&mut self, count: usize, limits: Limits, allocation: &Allocation) {
        let (best, active) = (&mut self.best, self.services.get(..count).unwrap_or_default());
        best.ranks.clear();
        best.ranks.resize(count, 0);
        best.sums =
            active.iter().filter_map(|items| items.first()).fold(Sums::default(), |sums, item| sums.plus(item.sums));
        best.path.clear();
        let mut sums = Sums::default();
        for (items, answer) in active.iter().zip(&allocation.services) {
            let rank = answer.assured().map_or(0, |choice| choice + 1);
            // A choice that is gone has no item; then there is nothing to start from.
            if let Some(item) = items.iter().find(|item| item.rank == rank) {
                sums = sums.plus(item.sums);
                best.path.push(rank);
            }
        }
        if best.path.len() == count && sums.fits(limits) && sums.cmp_best_first(&best.sums).is_lt() {
            best.sums = sums;
            best.ranks.clone_from(&best.path);
        }
    }

    /// Fills up what the best priced answer leaves free, the largest gain first.
    pub(super) fn improve(&mut self, count: usize, limits: Limits) {
        let Some(mut sums) = self.prices.found else { return };
        let ranks = &mut self.prices.found_ranks;
        let active = self.services.get(..count).unwrap_or_default();
        loop {
            let mut most: Option<(Sums, usize, usize)> = None;
            for (service, (items, &rank)) in active.iter().zip(ranks.iter()).enumerate() {
                // One that was dropped since has a better in its place, which the search will find.
                let Some(old) = items.iter().find(|item| item.rank == rank) else { continue };
                let without = sums.less(old.sums);
                for item in items {
                    let with = without.plus(item.sums);
                    if with.key > most.map_or(sums.key, |(best, ..)| best.key) && with.fits(limits) {
                        most = Some((with, service, item.rank));
                    }
                }
            }
            let Some((better, service, rank)) = most else { break };
            sums = better;
            if let Some(slot) = ranks.get_mut(service) {
                *slot = rank;
            }
        }
        if sums.cmp_best_first(&self.best.sums).is_lt() {
            self.best.sums = sums;
            self.best.ranks.clone_from(ranks);
        }
    }
}
