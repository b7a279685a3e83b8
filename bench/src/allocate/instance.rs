//! The instances, and what they are in numbers that any solver takes.

use allocation::allocation::Allocation;
use allocation::feasibility::{cloud_seconds_per_s, required_bps};
use allocation::problem::{Capacity, ServiceProblem};
use allocation::solver::Solver;
use serde::Serialize;

use super::samples::{Random, services};
use crate::error::{BenchError, Result};

/// How scarce what is shared is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scarce {
    /// Uplink and cloud carry every service's favourite.
    Nothing,
    /// The uplink does not.
    Uplink,
    /// Neither does the cloud.
    UplinkAndCloud,
    /// Both, and the link moves by up to a tenth from solve to solve with the last answer in force, as in a car.
    Stepwise,
}

impl Scarce {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Uplink, Self::UplinkAndCloud, Self::Stepwise];

    /// As in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Uplink => "uplink",
            Self::UplinkAndCloud => "uplink-and-cloud",
            Self::Stepwise => "stepwise",
        }
    }
}

/// One problem.
pub struct Instance {
    /// The services.
    pub services: Vec<ServiceProblem>,
    /// What they share.
    pub capacity: Capacity,
    /// The answer before.
    pub in_force: Allocation,
}

/// A choice as a row of a program: what it is worth and needs, and its index in the menu.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Weighted gain over the on-vehicle detector.
    pub value: f64,
    /// bit/s, whole.
    pub rate: f64,
    /// ns/s of the cloud, whole.
    pub cloud: f64,
    /// Index in the menu.
    pub choice: usize,
}

impl Instance {
    /// The choices that can be in time and gain anything, per service.
    #[must_use]
    pub fn entries(&self) -> Vec<Vec<Entry>> {
        let of = |service: &ServiceProblem| {
            let demand = service.demand();
            let entries = service.menu.choices().iter().enumerate().filter_map(|(choice, offered)| {
                let value = demand.weight * (offered.accuracy() - demand.floor_accuracy);
                let rate = required_bps(offered, &demand, &self.capacity)?.ceil();
                let cloud = (cloud_seconds_per_s(offered, &demand) * 1e9).ceil();
                (value > 0.0).then_some(Entry { value, rate, cloud, choice })
            });
            entries.collect()
        };
        self.services.iter().map(of).collect()
    }

    /// bit/s and ns/s (infinite without a limit), whole.
    #[must_use]
    pub fn limits(&self) -> (f64, f64) {
        (self.capacity.uplink_bps().floor(), (self.capacity.cloud_seconds_per_s() * 1e9).floor())
    }

    /// What `picks` (indices in the menus) are worth over the on-vehicle detectors; `None` where they do not fit.
    #[must_use]
    pub fn worth(&self, picks: &[Option<usize>]) -> Option<f64> {
        let (uplink, cloud) = self.limits();
        let mut sums = (0.0, 0.0, 0.0);
        for (entries, pick) in self.entries().iter().zip(picks) {
            let Some(pick) = pick else { continue };
            let entry = entries.iter().find(|entry| entry.choice == *pick)?;
            sums = (sums.0 + entry.value, sums.1 + entry.rate, sums.2 + entry.cloud);
        }
        (sums.1 <= uplink && sums.2 <= cloud).then_some(sums.0)
    }
}

/// `count` instances, the same in every run.
///
/// # Errors
/// Never for the numbers drawn here.
pub fn draw(count_of_services: usize, choices: usize, scarce: Scarce, count: usize) -> Result<Vec<Instance>> {
    let mut random = Random(choices as u64);
    let most_bps = 1.5e7 * count_of_services as f64;
    let mut problem = services(&mut random, count_of_services, choices);
    let mut rate = most_bps / 2.0;
    let mut solver = Solver::new(count_of_services, choices);
    let mut in_force = Allocation::with_capacity(count_of_services);
    let mut instances = Vec::with_capacity(count);
    for _ in 0..count {
        if scarce == Scarce::Stepwise {
            rate = (rate * (0.9 + 0.2 * random.unit())).clamp(1e6, most_bps);
        } else {
            problem = services(&mut random, count_of_services, choices);
            rate = if scarce == Scarce::Nothing { 1e3 * most_bps } else { random.unit() * most_bps };
        }
        let cloud = match scarce {
            Scarce::Nothing | Scarce::Uplink => f64::INFINITY,
            Scarce::UplinkAndCloud | Scarce::Stepwise => random.unit() * 0.4 * count_of_services as f64,
        };
        let capacity = Capacity::new(rate, random.unit() * 0.08).and_then(|capacity| capacity.with_cloud(cloud));
        let capacity = capacity.map_err(BenchError::library("a capacity"))?;
        let before = in_force.clone();
        if scarce == Scarce::Stepwise {
            solver.solve(&problem, &capacity, &mut in_force).map_err(BenchError::library("turbo's solver"))?;
        }
        instances.push(Instance { services: problem.clone(), capacity, in_force: before });
    }
    Ok(instances)
}
