//! What a policy is worth on a given uplink, many thousand times faster than real time.
//!
//! A discrete-event model of the way a frame takes, from capture to decision: encoding, the wait for the uplink, the
//! uplink itself as its trace has it, the cloud, the way back, the deadline. It is pure: the link and the estimator are
//! handed in ([`Uplink`], [`Estimator`]), and all chance is drawn beforehand from a seed ([`Frames`]), so that every
//! policy meets the same frames on the same link, and a run can be repeated to the bit. `docs/simulator.md` says what is
//! modelled, how, and what is left out.

mod cloud;
mod cwnd;
mod engine;
mod events;
mod flight;
mod frames;
mod gate;
mod lanes;
mod link;
mod oracle;
mod outcome;
mod queue;
mod random;
mod scenario;

pub use engine::{RunError, run};
pub use frames::{Frames, Needs};
pub use link::{Acknowledged, Estimator, Uplink};
pub use oracle::clairvoyant;
pub use outcome::{Outcome, Slice};
pub use scenario::{Discipline, Scenario, ScenarioError, Service};

#[cfg(test)]
mod tests;
