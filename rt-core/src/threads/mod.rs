//! Named threads on chosen cores: what the core map asks for, what the kernel granted, and the difference, said aloud.
//!
//! A [`CoreMap`] checks all threads before any of them starts; [`CoreMap::spawn`] starts one of them, and gives its
//! body the [`crate::wait::Waiter`] that its entry asks for. [`spawn`] starts a thread that stands alone.

mod affinity;
mod apply;
mod core_map;
mod difference;
mod lacking;
mod policy;
mod scheduling;
mod spawn;
mod spec;
mod stack;

pub use core_map::CoreMap;
pub use difference::{Difference, Granted};
pub use lacking::Lacking;
pub use policy::{Policy, PolicyError};
pub use spawn::{AtEnd, Thread, ThreadEnd, ThreadError, spawn};
pub use spec::{
    DEFAULT_STACK_BYTES, LEAST_STACK_BYTES, MOST_CORES, MOST_STACK_BYTES, NAME_BYTES, SpecError, ThreadSpec,
};

/// What to do where the kernel grants less than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Run with what there is and report the difference.
    BestEffort,
    /// Refuse to start.
    Strict,
}

#[cfg(test)]
mod tests;
