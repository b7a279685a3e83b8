//! The exact division of the uplink: a multiple-choice knapsack with the cloud's capacity as a second constraint.
//!
//! Maximise Σ weight · accuracy over one choice per service, with Σ required rate ≤ uplink and Σ fps · execution ≤
//! cloud. The answer is the best by, in this order: utility (less the switching penalty), number of services that keep
//! their choice, total bits per second, total cloud time, lowest menu indices from the first service on (the on-vehicle
//! detector before index 0). That order is total, so equal inputs give equal answers.
//!
//! In whole numbers. Where everything fits, every service has its favourite. Otherwise the prices of the two capacities
//! are sought (`prices`, `program`), which bounds every answer and says what each choice takes off that bound at least.
//! A round looks at every answer that loses little (`round`): the answers of about half of the services are listed
//! (`list`), and those of the others searched (`search`), each of which is completed from the list. A round that finds
//! nothing as good as what it looked for is followed by a wider one. Of what alike services could swap only one order is
//! looked at (`kin`). Nothing is allocated after [`Solver::new`].

mod item;
mod kin;
mod list;
mod prices;
mod program;
mod round;
mod search;
mod start;

use crate::allocation::{Allocation, ServiceAllocation};
use crate::problem::{Capacity, ServiceProblem};
use crate::quantity::{InvalidQuantity, fraction};
use item::{Item, Limits, MOST_SERVICES, Rules, Sums};
use prices::PriceSearch;
use round::{Round, reckon_losses};
use search::Incumbent;

/// The first round looks as far as the second best of a service is from its best on average, times this over the number
/// of services: the more services, the more answers are near the bound.
const FIRST_REACH: f64 = 18.0;
/// But at least as far as this share of what would prove the incumbent, so that there are few rounds.
const LEAST_REACH: f64 = 1.0 / 256.0;
/// Each further round looks this many times as far.
const GROWTH: f64 = 2.0;

/// Most partial and full answers that one solve looks at, so that its time has an end whatever the instance; a few
/// thousand are usual. An answer that ran into it is still feasible, never below on-vehicle nor below a choice in force
/// that still fits, and says so in [`Allocation::is_optimal`].
pub const VISIT_LIMIT: u32 = search::VISIT_LIMIT;

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
    rules: Rules,
    services: Vec<Vec<Item>>,
    prices: PriceSearch,
    round: Round,
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
            rules: Rules::default(),
            services: (0..max_services).map(|_| Vec::with_capacity(max_items)).collect(),
            prices: PriceSearch::new(max_services),
            round: Round::new(max_services, max_items),
            best: Incumbent {
                ranks: Vec::with_capacity(max_services),
                path: Vec::with_capacity(max_services),
                rival: Vec::with_capacity(max_services),
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
        let hysteresis = fraction("the hysteresis", accuracy)?;
        Ok(Self { rules: Rules { hysteresis, ..self.rules }, ..self })
    }

    /// Takes typical values for what every frame needs, see [`crate::feasibility::required_bps_of_point_estimates`].
    #[must_use]
    pub fn with_point_estimates(self) -> Self {
        Self { rules: Rules { point_estimates: true, ..self.rules }, ..self }
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
        let limits = Limits::of(capacity);
        for (index, (items, service)) in self.services.iter_mut().zip(services).enumerate() {
            let in_force = allocation.services.get(index).map(|answer| answer.assured());
            item::fill(items, service, capacity, limits, in_force, self.rules);
        }
        self.best.visits = 0;
        let favourites = self.take_favourites(count);
        if !favourites.fits(limits) {
            self.start_incumbent(count, limits, allocation);
            self.search(count, limits, favourites);
        }
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

    fn search(&mut self, count: usize, limits: Limits, favourites: Sums) {
        let services = self.services.get_mut(..count).unwrap_or_default();
        let prices = self.prices.seek(services, limits, favourites);
        let regret = reckon_losses(services, prices);
        self.take_found();
        let mut gap = prices.bound - self.best.sums.key;
        let mut reach = (FIRST_REACH * regret / count as f64).max(LEAST_REACH * gap);
        loop {
            reach = reach.min(gap);
            let services = self.services.get(..count).unwrap_or_default();
            self.round.run(services, prices, limits, reach, &mut self.best);
            // An answer within reach is the best of all; one beyond it shows how far to look at most.
            let looked_far_enough = reach >= gap;
            gap = prices.bound - self.best.sums.key;
            if looked_far_enough || gap <= reach || self.best.visits >= VISIT_LIMIT {
                return;
            }
            reach *= GROWTH;
        }
    }

    fn answer(&self, services: &[ServiceProblem], capacity: &Capacity, allocation: &mut Allocation) {
        allocation.services.clear();
        let mut needed_by_all = 0.0;
        for (service, rank) in services.iter().zip(&self.best.ranks) {
            let choice = rank.checked_sub(1);
            let needed = choice
                .and_then(|index| service.menu.get(index))
                .and_then(|choice| self.rules.required(choice, &service.demand(), capacity))
                .unwrap_or(0.0);
            needed_by_all += needed;
            allocation.services.push(ServiceAllocation { choice, rate_bps: needed, ..ServiceAllocation::default() });
        }
        if needed_by_all > 0.0 {
            let factor = (capacity.uplink_bps() / needed_by_all).max(1.0);
            for answer in &mut allocation.services {
                answer.rate_bps *= factor;
            }
        }
        allocation.optimal = self.best.visits < VISIT_LIMIT;
        allocation.price(services, capacity);
    }
}
