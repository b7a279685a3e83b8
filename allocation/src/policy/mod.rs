//! The ways of dividing the uplink, behind one trait.

mod baseline;
mod exact;
mod lent;
mod name;
mod success;

use std::time::Duration;

pub use baseline::Baseline;
pub use exact::{Prototype, Turbo};
pub use name::{BuildPolicyError, ParsePolicyError, PolicyName, UnknownFixedConfig};
pub use success::Lesson;

use crate::allocation::Allocation;
use crate::problem::{Capacity, ServiceProblem};
use crate::solver::SolveError;

/// Where a policy has the uplink's capacity from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CapacitySource {
    /// The estimate made of packet trains, acknowledgements and silence.
    #[default]
    Estimate,
    /// The congestion window over the smoothed round trip, as the prototype.
    WindowOverRoundTrip,
}

/// When a policy is to be asked, and about what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// It is asked once in this time; at every change without it.
    pub period: Option<Duration>,
    /// What it takes for the uplink's capacity.
    pub capacity: CapacitySource,
    /// Whether a service that sends nothing now and then sends a frame to learn about the link.
    pub probes: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { period: None, capacity: CapacitySource::Estimate, probes: true }
    }
}

/// A way of dividing the uplink.
pub trait Policy: Send {
    /// Its name, as [`PolicyName`] prints it.
    fn name(&self) -> &'static str;

    /// When it is to be asked, and about what; at every change, about the estimate, unless it says otherwise.
    fn habits(&self) -> Habits {
        Habits::default()
    }

    /// Hears what became of a frame that it had sent. Does not allocate.
    fn learn(&mut self, _: &Lesson) {}

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
