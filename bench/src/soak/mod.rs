//! The soak: real hand-overs for as long as one likes, with faults, and every descriptor accounted for.
//!
//! Cameras, encoders and senders run as threads with pools, mailboxes, rings and doorbells between them; beside them a
//! process ring leads to a second process that is killed and replaced. Nothing may be lost without being counted,
//! arrive twice, or be overwritten while it is read; no slot may stay away; memory may not grow.

mod books;
mod camera;
mod descriptor;
mod link;
mod memory;
mod random;
mod report;
mod run;
mod stages;

pub use books::{Received, Sent, Violation, settle};
pub use link::{ANSWERS, answer};
pub use memory::{Memory, Sample, flat};
pub use report::SoakReport;
pub use run::{Options, run};
