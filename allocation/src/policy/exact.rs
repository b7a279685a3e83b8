//! The policies that solve a program: this project's, and the prototype's from point estimates.

use std::time::Duration;

use super::lent::lend;
use super::success::{Lesson, Success};
use super::{CapacitySource, Habits, Policy, name};
use crate::allocation::Allocation;
use crate::problem::{Capacity, ServiceProblem};
use crate::quantity::InvalidQuantity;
use crate::solver::{SolveError, Solver};

/// Shares of the estimated uplink that plans are made for: from none, where everything is sent by its chance alone, to
/// more than was estimated, since a frame that is late costs nothing. Of equals the first is taken; four fifths are what
/// recorded links carry three times out of four.
const PLANNED_SHARES: [f64; 8] = [0.8, 0.65, 1.0, 0.5, 1.25, 0.35, 1.6, 0.0];
/// A plan has to be worth so much more than those before it to be taken.
const LEAST_ADVANTAGE: f64 = 1e-9;

/// `turbo`: of the exact optima for several shares of the estimated uplink, the one that is worth most in expectation.
/// What the link carries of its estimate is learned from what became of the frames before. Services that have no part in
/// a plan send what is worth most by its chance, on what is left, and show a rate of 0.
#[derive(Debug)]
pub struct Turbo {
    solver: Solver,
    success: Success,
    plan: Allocation,
    best: Allocation,
}

impl Turbo {
    /// For problems of at most this size; `hysteresis` as [`Solver::with_hysteresis`] has it.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where the hysteresis is NaN or outside 0..=1.
    pub fn new(max_services: usize, max_choices: usize, hysteresis: f64) -> Result<Self, InvalidQuantity> {
        Ok(Self {
            solver: Solver::new(max_services, max_choices).with_hysteresis(hysteresis)?,
            success: Success::default(),
            plan: Allocation::with_capacity(max_services),
            best: Allocation::with_capacity(max_services),
        })
    }
}

impl Policy for Turbo {
    fn name(&self) -> &'static str {
        name::TURBO
    }

    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        let mut most = f64::NEG_INFINITY;
        for share in PLANNED_SHARES {
            let plan = &mut self.plan;
            plan.copy_from(allocation);
            self.solver.solve(services, &capacity.with_uplink_share(share), plan)?;
            // Rates are shares of what there is, however much more the plan hopes for.
            plan.services.iter_mut().for_each(|answer| answer.rate_bps /= share.max(1.0));
            let worth = lend(services, capacity, &self.success, plan);
            if worth > most + LEAST_ADVANTAGE {
                most = worth;
                plan.expected_utility = plan.on_vehicle_utility + worth;
                std::mem::swap(plan, &mut self.best);
            }
        }
        allocation.copy_from(&self.best);
        Ok(())
    }

    fn learn(&mut self, lesson: &Lesson) {
        self.success.learn(lesson);
    }
}

/// Time between two decisions of the prototype.
const PROTOTYPE_PERIOD: Duration = Duration::from_millis(500);

/// `prototype`: the optimum of point estimates every 500 ms, with the congestion window over the round trip for the
/// uplink's capacity, and no limit of the cloud's.
#[derive(Debug)]
pub struct Prototype {
    solver: Solver,
}

impl Prototype {
    /// For problems of at most this size.
    #[must_use]
    pub fn new(max_services: usize, max_choices: usize) -> Self {
        Self { solver: Solver::new(max_services, max_choices).with_point_estimates() }
    }
}

impl Policy for Prototype {
    fn name(&self) -> &'static str {
        name::PROTOTYPE
    }

    fn habits(&self) -> Habits {
        Habits { period: Some(PROTOTYPE_PERIOD), capacity: CapacitySource::WindowOverRoundTrip, probes: true }
    }

    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        self.solver.solve(services, &capacity.without_cloud_limit_and_cost(), allocation)
    }
}
