//! What a bit/s and a nanosecond of cloud time are worth: the Lagrangian dual of the two capacities.
//!
//! At prices μ and λ every service takes its best item on its own, and
//! μ · uplink + λ · cloud + Σ max (key − μ · rate − λ · cloud time) bounds every answer from above (Everett, 1963). The
//! bound is convex and piecewise linear in the prices, its least equals the linear relaxation's (Geoffrion, 1974), and
//! each priced answer is a line below it. Two lines of opposite slope meet where the least may be, so that it is found
//! in a few evaluations: along μ for a given λ, and along λ by the mixture of the two answers that meet. On the way
//! the priced answers drop the items they dominate, and those that are feasible are the first incumbents.

use super::dominance::{Scarce, drop_beaten_by};
use super::item::{Item, Limits, Sums};

/// Most evaluations along one price; few are needed, and the bound is valid after any number of them.
const MOST_STEPS: u32 = 24;
/// Lines that meet within this share of the bound have met.
const CLOSE: f64 = 1e-9;
/// The first so many evaluations drop what their answers dominate; later ones find little.
const THINNING_STEPS: u32 = 3;

/// Prices and the bound they give.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prices {
    /// Of a bit/s.
    pub rate: f64,
    /// Of a nanosecond of cloud time per second.
    pub cloud: f64,
    /// The bound on every answer's key.
    pub bound: f64,
}

/// The search for the prices, with its storage.
#[derive(Debug)]
pub(crate) struct PriceSearch {
    pub(crate) evaluations: u32,
    ranks: Vec<usize>,
    /// Sums of the best feasible answer of all evaluations.
    pub found: Option<Sums>,
    /// Its ranks.
    pub found_ranks: Vec<usize>,
}

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub limits: Limits,
    pub scarce: Scarce,
}

/// The two priced answers between which the least along μ lies.
struct Bracket {
    /// Uses more than the uplink has; none before the first evaluation.
    over: Option<Sums>,
    /// Uses at most what the uplink has.
    under: Sums,
}

impl PriceSearch {
    pub(crate) fn new(max_services: usize) -> Self {
        let room = || Vec::with_capacity(max_services);
        Self { evaluations: 0, ranks: room(), found: None, found_ranks: room() }
    }

    /// The prices of the least bound over `services`, each of which begins with its on-vehicle item. Drops items that
    /// are dominated, though not all.
    pub(crate) fn seek(&mut self, services: &mut [Vec<Item>], ask: Ask) -> Prices {
        self.found = None;
        self.evaluations = 0;
        let key = services.iter().filter_map(|items| items.first()).map(|item| item.sums.key).sum();
        let vehicle = Sums { key, ..Sums::default() };
        let mut bracket = Bracket { over: None, under: vehicle };
        let (mut best, mut over) = self.along_rate(services, ask, 0.0, &mut bracket);
        if over.cloud <= ask.limits.cloud {
            return best;
        }
        let mut under = vehicle;
        for _ in 0..MOST_STEPS {
            let price = (over.key - under.key) / (over.cloud - under.cloud);
            let meet = under.key + price * (ask.limits.cloud - under.cloud);
            let (prices, mixture) = self.along_rate(services, ask, price, &mut bracket);
            if prices.bound < best.bound {
                best = prices;
            }
            if prices.bound <= meet * (1.0 + CLOSE) {
                break;
            }
            if mixture.cloud > ask.limits.cloud { over = mixture } else { under = mixture }
        }
        best
    }

    /// The least bound along μ at a cloud price, and the mixture of answers that attains it.
    fn along_rate(
        &mut self,
        services: &mut [Vec<Item>],
        ask: Ask,
        cloud_price: f64,
        bracket: &mut Bracket,
    ) -> (Prices, Sums) {
        let uplink = ask.limits.uplink;
        let worth = |sums: &Sums| sums.reduced(0.0, cloud_price);
        let mut best = Prices { bound: f64::INFINITY, ..Prices::default() };
        for _ in 0..MOST_STEPS {
            let under = bracket.under;
            let price =
                bracket.over.map_or(0.0, |over| ((worth(&over) - worth(&under)) / (over.rate - under.rate)).max(0.0));
            let meet = worth(&under) + price * (uplink - under.rate);
            let sums = self.evaluate(services, ask, price, cloud_price);
            let height = worth(&sums) + price * (uplink - sums.rate);
            let bound = height + cloud_price * ask.limits.cloud;
            if bound < best.bound {
                best = Prices { rate: price, cloud: cloud_price, bound };
            }
            let fits = sums.rate <= uplink;
            if fits && price == 0.0 {
                return (best, sums);
            }
            if bracket.over.is_some() && height <= meet + meet.abs() * CLOSE {
                break;
            }
            if fits { bracket.under = sums } else { bracket.over = Some(sums) }
        }
        let under = bracket.under;
        let mixture = bracket.over.map_or(under, |over| {
            let share = (uplink - under.rate) / (over.rate - under.rate);
            mixed(over, under, share)
        });
        (best, mixture)
    }

    /// Every service's best item at these prices.
    fn evaluate(&mut self, services: &mut [Vec<Item>], ask: Ask, rate_price: f64, cloud_price: f64) -> Sums {
        self.ranks.clear();
        self.evaluations += 1;
        let mut total = Sums::default();
        for items in services {
            let (mut pick, mut most) = (None, f64::NEG_INFINITY);
            for item in items.iter() {
                let reduced = item.sums.reduced(rate_price, cloud_price);
                if reduced > most {
                    (pick, most) = (Some(item), reduced);
                }
            }
            let pick = pick.copied().unwrap_or_default();
            total = total.plus(pick.sums);
            self.ranks.push(pick.rank);
            if self.evaluations <= THINNING_STEPS && pick.rank > 0 {
                drop_beaten_by(&pick, items, ask.scarce);
            }
        }
        if total.fits(ask.limits) && self.found.is_none_or(|found| total.cmp_best_first(&found).is_lt()) {
            self.found = Some(total);
            self.found_ranks.clone_from(&self.ranks);
        }
        total
    }
}

/// The part `share` of `a` and the rest of `b`.
fn mixed(a: Sums, b: Sums, share: f64) -> Sums {
    let mix = |a: f64, b: f64| share * a + (1.0 - share) * b;
    Sums { key: mix(a.key, b.key), rate: mix(a.rate, b.rate), cloud: mix(a.cloud, b.cloud) }
}
