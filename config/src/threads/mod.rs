//! The core map: where each thread runs, how the kernel schedules it, how it waits, and what its loss means.

mod entry;
mod policy;
mod role;

use serde::{Deserialize, Serialize};

pub use entry::{OnLoss, ThreadEntry, Wait};
pub use policy::{Scheduling, SchedulingPolicy};
pub use role::Role;
pub(crate) use role::validate_roles;

/// What to do where the kernel grants less than the core map asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Run with what there is and say so.
    BestEffort,
    /// Refuse to start.
    Strict,
}
