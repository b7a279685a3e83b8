//! The policies that need no search; what the exact one is compared with.

use super::{Habits, Policy, name};
use crate::allocation::{Allocation, ServiceAllocation};
use crate::model_config::ModelConfig;
use crate::problem::{Capacity, ServiceProblem};
use crate::solver::SolveError;
use crate::utility::best_at;

/// A policy that looks at every service on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// `on-vehicle`: nothing is ever sent.
    OnVehicle,
    /// `equal-split`: every service has the same share of uplink and cloud and makes the best of it.
    EqualSplit,
    /// `fixed:<config>`: every service always sends this configuration with an equal share, whether it can be on time
    /// or not. A service whose menu lacks it stays on the vehicle.
    Fixed(ModelConfig),
}

impl Policy for Baseline {
    fn name(&self) -> &'static str {
        match self {
            Self::OnVehicle => name::ON_VEHICLE,
            Self::EqualSplit => name::EQUAL_SPLIT,
            Self::Fixed(_) => name::FIXED,
        }
    }

    fn habits(&self) -> Habits {
        Habits { probes: *self != Self::OnVehicle, ..Habits::default() }
    }

    fn allocate(
        &mut self,
        services: &[ServiceProblem],
        capacity: &Capacity,
        allocation: &mut Allocation,
    ) -> Result<(), SolveError> {
        let count = services.len().max(1) as f64;
        let (rate_bps, cloud) = (capacity.uplink_bps() / count, capacity.cloud_seconds_per_s() / count);
        allocation.services.clear();
        allocation.services.extend(services.iter().map(|service| {
            let choice = match self {
                Self::OnVehicle => None,
                Self::EqualSplit => best_at(service, capacity, rate_bps, cloud),
                Self::Fixed(config) => service.menu.position(config),
            };
            let rate_bps = if choice.is_some() { rate_bps } else { 0.0 };
            ServiceAllocation { choice, rate_bps, ..ServiceAllocation::default() }
        }));
        allocation.optimal = false;
        allocation.price(services, capacity);
        Ok(())
    }
}
