//! The exact division of the uplink: a multiple-choice knapsack with the cloud's capacity as a second constraint.
//!
//! Maximise Σ weight · accuracy over one choice per service, with Σ required rate ≤ uplink and Σ fps · execution ≤
//! cloud. The answer is the best by, in this order: utility (less the switching penalty), number of services that keep
//! their choice, total bits per second, total cloud time, lowest menu indices from the first service on (the on-vehicle
//! detector before index 0). That order is total, so equal inputs give equal answers.
//!
//! Branch and bound in whole numbers: dominated choices are dropped (`item`), a Lagrangian and a linear bound cut the
//! rest (`bound`), services with the same menu and demand are not permuted (`search`). Nothing is allocated after
//! [`Solver::new`].

mod bound;
mod item;
mod search;

use crate::allocation::{Allocation, ServiceAllocation};
use crate::feasibility::required_bps;
use crate::problem::{Capacity, ServiceProblem};
use crate::quantity::{InvalidQuantity, fraction};
use bound::Bounds;
use item::{Item, MOST_SERVICES, whole_capacity};
use search::{Ground, Incumbent, Limits, Sums};

/// Most nodes of the search tree that one solve visits, so that its time has an end whatever the instance. The hardest
/// of the tested ones, 12 services × 60 choices with uplink and cloud both scarce, take less than a quarter of it. An
/// answer that ran into it is still feasible, never below on-vehicle nor below a choice in force that still fits, and
/// says so in [`Allocation::is_optimal`].
pub const NODE_LIMIT: u32 = search::NODE_LIMIT;

/// Why a problem was not solved; the allocation in force is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// More services than the solver was made for.
    #[error("{got} services; this solver was made for at most {max}")]
    TooManyServices {
        /// Services in the problem.
        got: usize,
        /// Services the solver has room for.
        max: usize,
    },
    /// A menu longer than the solver was made for.
    #[error("service {} has {got} choices; this solver was made for at most {max}", service + 1)]
    TooManyChoices {
        /// Index of the service, from 0; printed from 1 as the logs number them.
        service: usize,
        /// Choices on its menu.
        got: usize,
        /// Choices the solver has room for.
        max: usize,
    },
}

/// The exact solver, with its storage.
///
/// ```
/// use allocation::{allocation::Allocation, choice::{Choice, Costs}, menu::Menu, solver::Solver};
/// use allocation::problem::{Capacity, Demand, ServiceProblem};
/// let costs = Costs { payload_bits: 1e6, mean_bits: 0.9e6, encode_s: 0.0, execution_s: 0.05 };
/// let choice = Choice::new("edd4-imgcompNone-inpcomp50".parse()?, costs, 0.49)?;
/// let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.0, floor_accuracy: 0.4 };
/// let side = ServiceProblem::new(demand, Menu::new(vec![choice])?)?;
/// let mut front = side.clone();
/// front.set_weight(2.0)?;
///
/// let mut solver = Solver::new(2, 1);
/// let mut allocation = Allocation::with_capacity(2);
/// // 15 Mbit/s carry one of the two, which need 10 Mbit/s each: the front camera counts more, and gets what is left.
/// solver.solve(&[side, front], &Capacity::new(15e6, 0.05)?, &mut allocation)?;
/// let answer: Vec<_> = allocation.services().iter().map(|service| (service.choice, service.rate_bps)).collect();
/// assert_eq!(answer, [(None, 0.0), (Some(0), 15e6)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Solver {
    max_services: usize,
    max_choices: usize,
    hysteresis: f64,
    services: Vec<Vec<Item>>,
    bounds: Bounds,
    reduced_after: Vec<f64>,
    twins: Vec<Option<usize>>,
    best: Incumbent,
}

impl Solver {
    /// A solver for at most `max_services` (and never more than 64) services of at most `max_choices` each.
    #[must_use]
    pub fn new(max_services: usize, max_choices: usize) -> Self {
        let max_services = max_services.min(MOST_SERVICES);
        let max_items = max_choices + 1;
        Self {
            max_services,
            max_choices,
            hysteresis: 0.0,
            services: (0..max_services).map(|_| Vec::with_capacity(max_items)).collect(),
            bounds: Bounds::new(max_services, max_items),
            reduced_after: Vec::with_capacity(max_services + 1),
            twins: Vec::with_capacity(max_services),
            best: Incumbent {
                ranks: Vec::with_capacity(max_services),
                path: Vec::with_capacity(max_services),
                ..Incumbent::default()
            },
        }
    }

    /// Lets a service change to a more accurate choice only if that gains more than `accuracy` (0..=1); a change to a
    /// less accurate one is free, so that a fall in capacity acts at once.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where it is NaN or outside 0..=1.
    pub fn with_hysteresis(self, accuracy: f64) -> Result<Self, InvalidQuantity> {
        Ok(Self { hysteresis: fraction("the hysteresis", accuracy)?, ..self })
    }

    /// Replaces `allocation`, the one in force (empty where there is none), by the best for `services`.
    ///
    /// What is left of the uplink is divided in proportion to the needs, so that every sent frame is early by the same
    /// factor. Does not allocate if `allocation` has room for the services.
    ///
    /// # Errors
    /// [`SolveError`] where the problem is larger than the solver; `allocation` is as before then.
    pub fn solve(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        self.check_size(services)?;
        let count = services.len();
        let limits = Limits {
            uplink: whole_capacity(capacity.uplink_bps()),
            cloud: whole_capacity(capacity.cloud_seconds_per_s() * 1e9),
        };
        for (index, (items, service)) in self.services.iter_mut().zip(services).enumerate() {
            let in_force = allocation.services.get(index).map(|answer| answer.choice);
            item::fill(items, service, capacity, in_force, self.hysteresis);
        }
        self.start_incumbent(count, limits, allocation);
        self.prepare(count, limits);
        let (rate_price, cloud_price) = self.bounds.prices();
        let ground = Ground {
            services: self.services.get(..count).unwrap_or_default(),
            bounds: &self.bounds,
            reduced_after: &self.reduced_after,
            twins: &self.twins,
            limits,
            priced_capacity: priced(rate_price, limits.uplink) + priced(cloud_price, limits.cloud),
        };
        ground.descend(&mut self.best, Sums::default(), 0.0);
        self.answer(services, capacity, allocation);
        Ok(())
    }

    fn check_size(&self, services: &[ServiceProblem]) -> Result<(), SolveError> {
        if services.len() > self.max_services {
            return Err(SolveError::TooManyServices { got: services.len(), max: self.max_services });
        }
        let too_long = services.iter().map(|service| service.menu.choices().len()).enumerate();
        match too_long.into_iter().find(|&(_, got)| got > self.max_choices) {
            Some((service, got)) => Err(SolveError::TooManyChoices { service, got, max: self.max_choices }),
            None => Ok(()),
        }
    }

    /// Starts from the on-vehicle detectors, or from what is in force where that still fits and is better.
    fn start_incumbent(&mut self, count: usize, limits: Limits, allocation: &Allocation) {
        let best = &mut self.best;
        best.nodes = 0;
        best.path.clear();
        best.ranks.clear();
        best.ranks.resize(count, 0);
        let active = self.services.get(..count).unwrap_or_default();
        best.sums = active.iter().filter_map(|items| items.first()).fold(Sums::default(), |sums, item| sums.plus(item));
        let mut sums = Sums::default();
        for (index, items) in active.iter().enumerate() {
            let rank = allocation.services.get(index).and_then(|answer| answer.choice).map_or(0, |choice| choice + 1);
            // A choice that is gone or dominated has no item; then there is nothing to start from.
            if let Some(item) = items.iter().find(|item| item.rank == rank) {
                sums = sums.plus(item);
                best.path.push(rank);
            }
        }
        let fits = best.path.len() == count && sums.fits(limits);
        if fits && sums.cmp_best_first(&best.sums).is_lt() {
            best.sums = sums;
            best.ranks.clone_from(&best.path);
        }
        best.path.clear();
    }

    fn prepare(&mut self, count: usize, limits: Limits) {
        self.twins.clear();
        let active = self.services.get_mut(..count).unwrap_or_default();
        for (index, items) in active.iter().enumerate() {
            self.twins.push(active.iter().take(index).rposition(|other| other == items));
        }
        for items in active.iter_mut() {
            items.sort_unstable_by_key(|item| (item.rate, item.rank));
        }
        self.bounds.build(active, limits.uplink, limits.cloud);
        let (rate_price, cloud_price) = self.bounds.prices();
        for item in active.iter_mut().flatten() {
            item.reduced = item.key as f64 - rate_price * item.rate as f64 - cloud_price * item.cloud as f64;
        }
        self.reduced_after.clear();
        self.reduced_after.resize(count + 1, 0.0);
        let mut sum = 0.0;
        for (items, slot) in active.iter_mut().zip(self.reduced_after.iter_mut()).rev() {
            items.sort_unstable_by(|a, b| b.reduced.total_cmp(&a.reduced).then(a.rank.cmp(&b.rank)));
            sum += items.first().map_or(0.0, |item| item.reduced);
            *slot = sum;
        }
    }

    fn answer(&self, services: &[ServiceProblem], capacity: &Capacity, allocation: &mut Allocation) {
        allocation.services.clear();
        let mut needed_by_all = 0.0;
        for (service, rank) in services.iter().zip(&self.best.ranks) {
            let choice = rank.checked_sub(1);
            let needed = choice
                .and_then(|index| service.menu.get(index))
                .and_then(|choice| required_bps(choice, &service.demand(), capacity))
                .unwrap_or(0.0);
            needed_by_all += needed;
            allocation.services.push(ServiceAllocation { choice, rate_bps: needed });
        }
        if needed_by_all > 0.0 {
            let factor = (capacity.uplink_bps() / needed_by_all).max(1.0);
            for answer in &mut allocation.services {
                answer.rate_bps *= factor;
            }
        }
        allocation.optimal = self.best.nodes < NODE_LIMIT;
        allocation.price(services, capacity);
    }
}

/// A price of 0 makes even an unlimited capacity worth nothing.
fn priced(price: f64, capacity: u64) -> f64 {
    if price > 0.0 { price * capacity as f64 } else { 0.0 }
}
