//! The answer: who sends what, at which rate.

use crate::feasibility::required_bps;
use crate::problem::{Capacity, ServiceProblem};

/// The answer for one service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServiceAllocation {
    /// Index of the configuration in the service's menu; `None` is the on-vehicle detector alone.
    pub choice: Option<usize>,
    /// The uplink rate that is the service's own, in bit/s; 0 on the vehicle, and where a choice is sent on what the
    /// others leave.
    pub rate_bps: f64,
    /// The share of the estimated uplink at which its frames, sent behind those of the others, are just in time; what
    /// [`crate::policy::Lesson`] is about. 0 on the vehicle, and of policies that learn nothing.
    pub need: f64,
    /// Seconds that such a frame takes on the uplink as it is estimated, those before it included; 0 where `need` is.
    pub uplink_s: f64,
}

impl ServiceAllocation {
    /// The choice that has a rate of its own: what an exact answer counts on.
    #[must_use]
    pub fn assured(&self) -> Option<usize> {
        self.choice.filter(|_| self.rate_bps > 0.0)
    }
}

/// The answer for all services, in their order.
///
/// It is handed to a policy as the allocation in force and comes back as the new one, so its storage is reused. An
/// empty one stands for "nothing in force yet".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allocation {
    pub(crate) services: Vec<ServiceAllocation>,
    pub(crate) expected_utility: f64,
    pub(crate) on_vehicle_utility: f64,
    pub(crate) optimal: bool,
}

impl Allocation {
    /// Nothing in force yet, with room for `max_services`; filling it does not allocate then.
    #[must_use]
    pub fn with_capacity(max_services: usize) -> Self {
        Self { services: Vec::with_capacity(max_services), ..Self::default() }
    }

    /// Forgets the allocation in force, as after a change of a menu, whose indices it names. Keeps its storage.
    pub fn clear(&mut self) {
        self.services.clear();
        self.expected_utility = 0.0;
        self.on_vehicle_utility = 0.0;
        self.optimal = false;
    }

    /// Copies `other` without allocating, given room for its services.
    pub fn copy_from(&mut self, other: &Self) {
        self.services.clone_from(&other.services);
        self.expected_utility = other.expected_utility;
        self.on_vehicle_utility = other.on_vehicle_utility;
        self.optimal = other.optimal;
    }

    /// One entry per service, in their order; empty before the first solve.
    #[must_use]
    pub fn services(&self) -> &[ServiceAllocation] {
        &self.services
    }

    /// Σ weight · accuracy that is expected of it.
    #[must_use]
    pub fn expected_utility(&self) -> f64 {
        self.expected_utility
    }

    /// Σ weight · accuracy of the on-vehicle detectors alone; never above [`Allocation::expected_utility`] unless the
    /// policy is a `fixed` one, which sends its configuration whatever that is worth.
    #[must_use]
    pub fn on_vehicle_utility(&self) -> f64 {
        self.on_vehicle_utility
    }

    /// Whether no other choice of configurations has a higher objective, proven. Only the exact solver says so, and
    /// only it may fail to, see [`crate::solver::VISIT_LIMIT`].
    #[must_use]
    pub fn is_optimal(&self) -> bool {
        self.optimal
    }

    /// Fills in both utilities from the choices and rates: a choice counts where its rate keeps the deadline, the
    /// on-vehicle detector where it does not.
    pub(crate) fn price(&mut self, services: &[ServiceProblem], capacity: &Capacity) {
        self.expected_utility = 0.0;
        self.on_vehicle_utility = 0.0;
        for (service, answer) in services.iter().zip(&self.services) {
            let demand = service.demand();
            let choice = answer.choice.and_then(|index| service.menu.get(index)).filter(|choice| {
                required_bps(choice, &demand, capacity).is_some_and(|needed| needed <= answer.rate_bps)
            });
            let accuracy = choice.map_or(demand.floor_accuracy, |choice| choice.accuracy());
            self.expected_utility += demand.weight * accuracy;
            self.on_vehicle_utility += demand.weight * demand.floor_accuracy;
        }
    }
}
