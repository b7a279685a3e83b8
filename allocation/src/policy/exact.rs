//! The policies that solve a program: this project's, and the prototype's from point estimates.

use std::time::Duration;

use super::lent::lend;
use super::{CapacitySource, Habits, Policy, name};
use crate::allocation::Allocation;
use crate::problem::{Capacity, ServiceProblem};
use crate::quantity::InvalidQuantity;
use crate::solver::{SolveError, Solver};

/// Part of the estimated uplink that is given to services as rates of their own: what it carries three times out of
/// four, by the spread of estimates on recorded traces (see [`super::lent`]).
const PLANNED_SHARE: f64 = 0.8;

/// `turbo`: the exact optimum of what the uplink carries surely; services that have no part in it send what is worth
/// most by its chance, on what is left, and show a rate of 0.
#[derive(Debug)]
pub struct Turbo {
    solver: Solver,
}

impl Turbo {
    /// For problems of at most this size; `hysteresis` as [`Solver::with_hysteresis`] has it.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where the hysteresis is NaN or outside 0..=1.
    pub fn new(max_services: usize, max_choices: usize, hysteresis: f64) -> Result<Self, InvalidQuantity> {
        Ok(Self { solver: Solver::new(max_services, max_choices).with_hysteresis(hysteresis)? })
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
        let planned = capacity.with_uplink_share(PLANNED_SHARE);
        self.solver.solve(services, &planned, allocation)?;
        lend(services, capacity, allocation);
        Ok(())
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
        self.solver.solve(services, &capacity.without_cloud_limit(), allocation)
    }
}
