//! The division of the uplink: which model configuration each service sends, and at what rate.
//!
//! Pure: no clock, no I/O. A caller measures (payload sizes, execution times, round trip, capacity), states the
//! [`problem`], and a [`policy`] answers with an [`allocation::Allocation`]. The policy of this project is the exact
//! [`solver`]; the others are what it is compared with.
//!
//! Every number is checked where it enters ([`quantity`]), so neither NaN nor a negative size can reach the solver.

pub mod allocation;
pub mod choice;
pub mod context;
pub mod drift;
pub mod feasibility;
pub mod menu;
pub mod model_config;
pub mod planned;
pub mod policy;
pub mod problem;
pub mod quantity;
pub mod simulate;
pub mod solver;
pub mod utility;
