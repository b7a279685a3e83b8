//! The division of the uplink: which model configuration each service sends, and at what rate.
//!
//! Pure: no clock, no I/O.

pub mod model_config;
