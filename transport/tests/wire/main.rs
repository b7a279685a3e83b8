//! The wire protocol from outside: golden vectors, any message there and back, and a decoder that shares no code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod capture;
#[path = "../harness/mod.rs"]
mod harness;
mod messages;
mod properties;
mod python;
mod vectors;
mod view;
