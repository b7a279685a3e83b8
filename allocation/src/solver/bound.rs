//! Upper bounds on what the services from some depth on can still add: the priced bound at a fan of prices.
//!
//! At any prices that are not negative, what is left of the capacities at these prices and every remaining service's
//! best reduced item bound what they add. The root's prices are the best on average; after a few decisions one
//! capacity is scarcer than it was or less so, and a neighbouring pair of prices bounds more closely. With the sums of
//! every pair at hand for every depth, a bound takes a multiplication and an addition per price.

use super::item::Item;
use super::prices::Prices;

/// The root's prices times these: nothing is dearer than free, and what is scarcer than planned is dearer.
const FACTORS: [f64; 3] = [1.0, 0.6, 1.6];

/// The bounds of one solve; its storage is reused.
#[derive(Debug)]
pub(crate) struct Fan {
    /// Of a bit/s and of a nanosecond of cloud time.
    prices: Vec<(f64, f64)>,
    /// For each depth the sum over the later services, one per pair of prices.
    rest: Vec<f64>,
}

impl Fan {
    pub(crate) fn new(max_services: usize) -> Self {
        let pairs = FACTORS.len() * FACTORS.len();
        Self { prices: Vec::with_capacity(pairs), rest: Vec::with_capacity(pairs * max_services) }
    }

    /// Prepares the bounds for services in the order of the search, of which only the first `head` are asked for.
    pub(crate) fn build<'a>(&mut self, services: impl Iterator<Item = &'a [Item]> + Clone, head: usize, root: Prices) {
        self.prices.clear();
        for rate in FACTORS {
            for cloud in FACTORS {
                let pair = (root.rate * rate, root.cloud * cloud);
                if !self.prices.contains(&pair) {
                    self.prices.push(pair);
                }
            }
        }
        let pairs = self.prices.len();
        self.rest.clear();
        self.rest.resize(head * pairs, 0.0);
        for (at, items) in services.enumerate().skip(1) {
            for (pair, &(rate, cloud)) in self.prices.iter().enumerate() {
                let most = items.iter().map(|item| item.sums.reduced(rate, cloud)).fold(f64::NEG_INFINITY, f64::max);
                for slot in self.rest.iter_mut().skip(pair).step_by(pairs).take(at) {
                    *slot += most;
                }
            }
        }
    }

    /// Whether the services after `depth` can add at least `enough` with `rate` and `cloud` left.
    pub(crate) fn reaches(&self, depth: usize, rate: f64, cloud: f64, enough: f64) -> bool {
        let pairs = self.prices.len();
        let rest = self.rest.get(depth * pairs..(depth + 1) * pairs).unwrap_or_default();
        self.prices
            .iter()
            .zip(rest)
            .all(|(&(rate_price, cloud_price), rest)| rest + rate_price * rate + cloud_price * cloud >= enough)
    }
}

/// What the rounding of the sums that made `bound` can be at most, and a bit.
pub(crate) fn slack(bound: f64) -> f64 {
    bound.abs() * 1e-12 + 1e-3
}
