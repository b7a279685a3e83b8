//! From power-on to power-off: one state machine, one supervisor, and a watch over every thread.
//!
//! `Off → Initialising → Ready → Running ⇄ Degraded → Draining → Off`, with `Fault`. [`answer`] is the whole table: every
//! pair of state and event has an answer. A [`Supervisor`] starts and stops [`Subsystem`]s in order, on one thread, and
//! a [`Watch`] learns of every thread that misses its heartbeat or ends; what it finds changes the state as configured
//! for that thread, and is told, never passed over in silence.

mod group;
mod heartbeat;
mod report;
mod state;
mod subsystem;
mod supervisor;
mod watch;

pub use group::{Body, Member, ThreadGroup};
pub use heartbeat::Heartbeat;
pub use report::{Cause, Report};
pub use state::{Answer, EVENTS, Event, STATES, State, Why, answer};
pub use subsystem::Subsystem;
pub use supervisor::{Hand, Refusal, Supervisor};
pub use watch::{Loss, OnLoss, Sign, Watch};

#[cfg(test)]
mod tests;
