//! What is left to search: the items in reach of the best answer so far, and the order of the services.

use super::Solver;
use super::dominance::{Scarce, drop_dominated};
use super::item::{Item, Sums};
use super::prices::Prices;
use super::search::Level;

impl Solver {
    /// Drops every item whose loss alone puts it out of reach of the incumbent, and what others replace.
    pub(super) fn reduce(&mut self, count: usize, prices: Prices, scarce: Scarce) {
        let reach = self.best.sums.key;
        self.levels.clear();
        let active = self.services.get_mut(..count).unwrap_or_default();
        for (service, items) in active.iter_mut().enumerate() {
            let mut most = f64::NEG_INFINITY;
            for item in items.iter_mut() {
                item.loss = -item.sums.reduced(prices.rate, prices.cloud);
                most = most.max(-item.loss);
            }
            for item in items.iter_mut() {
                item.loss += most;
            }
            items.retain(|item| prices.bound - item.loss >= reach);
            drop_dominated(items, scarce);
            items.sort_unstable_by(|a, b| a.loss.total_cmp(&b.loss).then(a.rank.cmp(&b.rank)));
            self.levels.push(Level { service, most, ..Level::default() });
        }
        for (service, items) in active.iter().enumerate() {
            if let Some(level) = self.levels.get_mut(service) {
                level.twin = active.iter().take(service).rposition(|other| other == items);
            }
        }
    }

    /// The services with the fewest items first; twins stay in their order.
    pub(super) fn order(&mut self, count: usize) {
        let active = self.services.get(..count).unwrap_or_default();
        self.levels.sort_unstable_by_key(|level| (active.get(level.service).map_or(0, Vec::len), level.service));
        let least = |level: &Level| {
            let items = active.get(level.service).map(Vec::as_slice).unwrap_or_default();
            let least = |need: fn(&Item) -> f64| items.iter().map(need).fold(f64::INFINITY, f64::min);
            Sums { key: 0.0, rate: least(|item| item.sums.rate), cloud: least(|item| item.sums.cloud) }
        };
        let mut sum = Sums::default();
        for level in &mut self.levels {
            level.least_before = sum;
            sum = sum.plus(least(level));
        }
        for level in &mut self.levels {
            level.least_after = sum.less(level.least_before).less(least(level));
        }
    }
}
