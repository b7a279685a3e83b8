//! Measures turbo's hand-overs beside what one would otherwise use, in one run on one machine, and soaks them with
//! faults.
//!
//! It is a crate of its own, with programs of its own, so that nobody who builds `turbo` waits for the peers that it is
//! compared with. Nothing here asserts an absolute time: what is claimed are ratios within one run.

pub mod allocate;
pub mod answering;
pub mod cli;
pub mod cloud;
pub mod cpu;
pub mod emulated;
pub mod error;
pub mod frame;
pub mod gateway;
pub mod hop;
pub mod host;
pub mod peers;
pub mod report;
pub mod samples;
pub mod seat;
pub mod soak;
pub mod telemetry;
pub mod transport;
pub mod transport_soak;
