//! The wire protocol, the QUIC endpoints of car and cloud, the rate estimator and the link emulator.
//!
//! [`car::run_car`] and [`gateway::run_gateway`] each run one endpoint on the calling thread until their stop token is
//! set; frames and results cross to other threads through mailboxes and rings only. What is decided (who sends next,
//! what can still make its deadline, how fast the link is) is in pure state machines beside them, which know no socket
//! and no clock.

pub mod car;
pub mod carrier;
pub mod certs;
pub mod estimate;
pub mod gateway;
pub mod link;
mod reactor;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod wire;
