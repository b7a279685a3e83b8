//! The policies that need no search; what the exact one is compared with.

use super::{Policy, name};
use crate::allocation::{Allocation, ServiceAllocation};
use crate::model_config::ModelConfig;
use crate::problem::{Capacity, ServiceProblem};
use crate::solver::SolveError;
use crate::utility::best_at;

/// `on-vehicle`: nothing is ever sent.
#[derive(Debug, Default)]
pub struct OnVehicle;

impl Policy for OnVehicle {
    fn name(&self) -> &'static str {
        name::ON_VEHICLE
    }

    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        fill(services, capacity, allocation, |_| ServiceAllocation::default());
        Ok(())
    }
}

/// `equal-split`: every service has the same share of uplink and cloud and makes the best of it.
#[derive(Debug, Default)]
pub struct EqualSplit;

impl Policy for EqualSplit {
    fn name(&self) -> &'static str {
        name::EQUAL_SPLIT
    }

    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        let (rate_bps, cloud) = shares(services, capacity);
        fill(services, capacity, allocation, |service| match best_at(service, capacity, rate_bps, cloud) {
            Some(index) => ServiceAllocation { choice: Some(index), rate_bps },
            None => ServiceAllocation::default(),
        });
        Ok(())
    }
}

/// `fixed:<config>`: every service always sends one configuration with an equal share, whether it can be on time or
/// not. A service whose menu lacks it stays on the vehicle.
#[derive(Debug)]
pub struct Fixed {
    config: ModelConfig,
}

impl Fixed {
    /// Always `config`.
    #[must_use]
    pub fn new(config: ModelConfig) -> Self {
        Self { config }
    }
}

impl Policy for Fixed {
    fn name(&self) -> &'static str {
        name::FIXED
    }

    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        let (rate_bps, _) = shares(services, capacity);
        fill(services, capacity, allocation, |service| match service.menu.position(&self.config) {
            Some(index) => ServiceAllocation { choice: Some(index), rate_bps },
            None => ServiceAllocation::default(),
        });
        Ok(())
    }
}

fn shares(services: &[ServiceProblem], capacity: &Capacity) -> (f64, f64) {
    let count = services.len().max(1) as f64;
    (capacity.uplink_bps() / count, capacity.cloud_seconds_per_s() / count)
}

fn fill(
    services: &[ServiceProblem],
    capacity: &Capacity,
    allocation: &mut Allocation,
    answer: impl Fn(&ServiceProblem) -> ServiceAllocation,
) {
    allocation.services.clear();
    allocation.services.extend(services.iter().map(answer));
    allocation.optimal = false;
    allocation.price(services, capacity);
}
