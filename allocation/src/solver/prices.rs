//! What a bit/s and a nanosecond of cloud time are worth: the Lagrangian dual of the two capacities.
//!
//! At prices μ and λ every service takes its best item on its own, and
//! μ · uplink + λ · cloud + Σ max (key − μ · rate − λ · cloud time) bounds every answer from above (Everett, 1963). The
//! least of these bounds equals the linear relaxation's (Geoffrion, 1974). It is found from the other side: the best
//! mixture of answers within both capacities, a linear program whose columns are the priced answers themselves, each
//! made when its prices ask for it (Dantzig and Wolfe, 1960). A dozen evaluations suffice. Those priced answers that are
//! feasible are the first incumbents.

use super::item::{Item, Limits, Sums};
use super::program::{Column, Program};

/// Most steps; fewer are needed, and the bound is valid after any number of them.
const MOST_STEPS: u32 = 48;
/// A column that gains less than this share of the bound gains nothing: gaps are a hundred times wider.
const CLOSE: f64 = 1e-5;

/// Prices and the bound they give.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prices {
    /// Of a bit/s.
    pub rate: f64,
    /// Of a nanosecond of cloud time per second.
    pub cloud: f64,
    /// What both capacities cost.
    pub budget: f64,
    /// The bound on every answer's key, with `slack`.
    pub bound: f64,
    /// More than the rounding of the sums that make a bound can be.
    pub slack: f64,
}

impl Prices {
    /// At which every service's best items on their own sum up to `best`.
    fn new(rate: f64, cloud: f64, limits: Limits, best: &Sums) -> Self {
        let budget = rate * limits.uplink + cloud * limits.cloud;
        let bound = best.reduced(rate, cloud) + budget;
        let slack = bound.abs() * 1e-12 + 1e-3;
        Self { rate, cloud, budget, bound: bound + slack, slack }
    }

    /// What an answer or a part of one costs.
    pub(crate) fn of(&self, sums: &Sums) -> f64 {
        self.rate * sums.rate + self.cloud * sums.cloud
    }
}

/// The search for the prices, with its storage.
#[derive(Debug)]
pub(crate) struct PriceSearch {
    ranks: Vec<usize>,
    /// Sums of the best feasible answer of all evaluations.
    pub found: Option<Sums>,
    /// Its ranks.
    pub found_ranks: Vec<usize>,
}

impl PriceSearch {
    pub(crate) fn new(max_services: usize) -> Self {
        let room = || Vec::with_capacity(max_services);
        Self { ranks: room(), found: None, found_ranks: room() }
    }

    /// The prices of the least bound over `services`, each of which begins with its on-vehicle item; `favourites` are
    /// the sums of their best items at no price.
    pub(crate) fn seek(&mut self, services: &[Vec<Item>], limits: Limits, favourites: Sums) -> Prices {
        self.found = None;
        let unit = |limit: f64| if limit > 0.0 { limit } else { 1.0 };
        let (rate_unit, cloud_unit) = (unit(limits.uplink), unit(limits.cloud));
        let column =
            |sums: Sums| Column { rows: [sums.rate / rate_unit, sums.cloud / cloud_unit, 1.0], worth: sums.key };
        let mut program =
            Program::new(services.iter().filter_map(|items| items.first()).map(|item| item.sums.key).sum());
        let mut best = Prices::new(0.0, 0.0, limits, &favourites);
        let mut more = program.enter(column(favourites));
        for _ in 0..MOST_STEPS {
            if !more {
                break;
            }
            let [rate_dual, cloud_dual, whole] = program.duals();
            // An unused capacity comes back before a price falls below nothing.
            if rate_dual < 0.0 || cloud_dual < 0.0 {
                let rows = if rate_dual < cloud_dual { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] };
                more = program.enter(Column { rows, worth: 0.0 });
                continue;
            }
            let (rate, cloud) = (rate_dual / rate_unit, cloud_dual / cloud_unit);
            let sums = self.evaluate(services, limits, rate, cloud);
            let prices = Prices::new(rate, cloud, limits, &sums);
            if prices.bound < best.bound {
                best = prices;
            }
            more = sums.reduced(rate, cloud) - whole > prices.bound * CLOSE && program.enter(column(sums));
        }
        best
    }

    /// Every service's best item at these prices.
    fn evaluate(&mut self, services: &[Vec<Item>], limits: Limits, rate_price: f64, cloud_price: f64) -> Sums {
        self.ranks.clear();
        let mut total = Sums::default();
        for items in services {
            let (mut best, mut most) = (0, f64::NEG_INFINITY);
            for (at, item) in items.iter().enumerate() {
                let reduced = item.sums.reduced(rate_price, cloud_price);
                // Two selections instead of a branch, which no processor could foresee.
                let better = reduced > most;
                best = if better { at } else { best };
                most = if better { reduced } else { most };
            }
            let pick = items.get(best).copied().unwrap_or_default();
            total = total.plus(pick.sums);
            self.ranks.push(pick.rank);
        }
        if total.fits(limits) && self.found.is_none_or(|found| total.cmp_best_first(&found).is_lt()) {
            self.found = Some(total);
            self.found_ranks.clone_from(&self.ranks);
        }
        total
    }
}
