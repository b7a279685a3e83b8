//! The profile of `turbo car`: one vehicle with its cameras.

mod carrier;
mod context;
mod decide;
mod logs;
mod memory;
mod peers;
mod per_service;
mod service;
mod threads;

use std::path::{Path, PathBuf};

use garde::Validate;
use serde::{Deserialize, Serialize};

pub use carrier::{Carrier, Probe, UnknownWord};
pub use context::{Bounds, ContextConfig, RuleConfig, When};
pub use decide::{AllocationConfig, DecisionConfig};
pub use logs::{MaxEntries, RunConfig, SaveFrames};
pub use memory::{HugePages, MemoryConfig};
pub use peers::{CloudPeer, VehicleConfig};
pub use per_service::{Bounded, PerService, Seconds, Weight};
pub use service::{Camera, FilesCamera, ServiceConfig, SyntheticCamera};
pub use threads::CarThreads;

use crate::limits::{path_if_given, resolve};
use crate::load::Profile;
use crate::unique::Unique;
use threads::some_detector_is_left;

/// Everything `turbo car` is told, such as `config/car.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct CarProfile {
    /// Where and what a run logs.
    #[garde(dive)]
    pub run: RunConfig,
    /// One service per camera, at least one; their ids are their positions, from 1.
    #[garde(custom(not_too_many), dive)]
    pub services: Unique<ServiceConfig>,
    /// The on-vehicle detector.
    #[garde(dive)]
    pub vehicle: VehicleConfig,
    /// The cloud; without it the car decides alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub cloud: Option<CloudPeer>,
    /// How the uplink is divided.
    #[garde(dive)]
    pub allocation: AllocationConfig,
    /// What the driving context makes of the services' weights.
    #[serde(default)]
    #[garde(dive(self.services))]
    pub context: ContextConfig,
    /// UNIX socket at which the running car takes commands, such as what is known of the drive; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(path_if_given))]
    pub control: Option<PathBuf>,
    /// When a decision is made.
    #[garde(custom(before_every_deadline(&self.services)), dive)]
    pub decision: DecisionConfig,
    /// Shared memory for frames.
    #[garde(dive)]
    pub memory: MemoryConfig,
    /// The core map.
    #[garde(dive, custom(some_detector_is_left(self.cloud.is_some())))]
    pub threads: CarThreads,
}

/// Most services of one car; the bound up to which the solver's sums are exact is higher.
const MOST_SERVICES: usize = 32;

fn not_too_many(services: &Unique<ServiceConfig>, _: &()) -> garde::Result {
    if services.len() > MOST_SERVICES {
        return Err(garde::Error::new(format!("has {} entries; expected at most {MOST_SERVICES}", services.len())));
    }
    Ok(())
}

fn before_every_deadline(services: &Unique<ServiceConfig>) -> impl Fn(&DecisionConfig, &()) -> garde::Result {
    // A deadline that is out of its own range is told where it stands, not here again.
    let deadlines = || services.iter().filter(|service| service.slo_ms >= service::MIN_SLO_MS);
    move |decision, _| match deadlines().find(|service| service.slo_ms <= decision.margin_ms) {
        Some(service) => Err(garde::Error::new(format!(
            "leaves service {:?} no time: margin_ms is {}, its slo_ms {}; expected a margin below every slo_ms",
            service.name, decision.margin_ms, service.slo_ms
        ))),
        None => Ok(()),
    }
}

impl Profile for CarProfile {
    fn resolve_paths(&mut self, base: &Path) {
        self.run.resolve_paths(base);
        for service in self.services.iter_mut() {
            service.resolve_paths(base);
        }
        self.vehicle.resolve_paths(base);
        if let Some(cloud) = &mut self.cloud {
            cloud.resolve_paths(base);
        }
        self.allocation.resolve_paths(base);
        if let Some(control) = &mut self.control {
            resolve(base, control);
        }
    }
}
