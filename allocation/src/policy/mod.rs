//! The ways of dividing the uplink, behind one trait.

mod baseline;
mod name;

pub use baseline::{EqualSplit, Fixed, OnVehicle};
pub use name::{ParsePolicyError, PolicyName, UnknownFixedConfig};

use crate::allocation::Allocation;
use crate::problem::{Capacity, ServiceProblem};
use crate::quantity::InvalidQuantity;
use crate::solver::{SolveError, Solver};

/// A way of dividing the uplink.
pub trait Policy: Send {
    /// Its name, as [`PolicyName`] prints it.
    fn name(&self) -> &'static str;

    /// Replaces `allocation`, the one in force (empty where there is none), by the policy's answer. Does not allocate
    /// if `allocation` has room for the services.
    ///
    /// # Errors
    /// [`SolveError`] where the problem is larger than the policy was made for; `allocation` is as before then.
    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError>;
}

/// `turbo`: the exact optimum.
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
        self.solver.solve(services, capacity, allocation)
    }
}
