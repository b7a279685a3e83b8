//! Round trips of one 8-byte message: every way of handing over, in turns, in one run.
//!
//! The protocol is that of the FlashCam measurement (1,000 calls to warm up, then 1,000,000 that count, each timed by
//! itself, once with both ends on one core and once on two).

mod claims;
mod end;
mod processes;
mod rounds;
mod threads;
mod waiting;

use serde::Serialize;

pub use claims::claims;
pub use end::{End, MESSAGE_BYTES, STOP, answer, measure};
pub use processes::{Processes, inherited, serve};

pub use crate::answering::Inheritance;
pub use rounds::{Options, run};
pub use threads::Threads;
pub use waiting::{PATIENCE, SPIN, Wait, Waiter};

use crate::error::Result;
use crate::seat::Seats;

/// How many calls one round makes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Calls before those that count.
    pub warm_up: usize,
    /// Calls that count.
    pub calls: usize,
}

/// What the two ends of a pair are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Threads of one process.
    Threads,
    /// Processes.
    Processes,
}

/// What a row of the table says of a pair besides its numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct About {
    /// Unique name of the row.
    pub name: &'static str,
    /// What an end does while there is nothing for it.
    pub wait: &'static str,
    /// What the ends are.
    pub between: Between,
    /// Whether it is turbo's.
    pub ours: bool,
    /// Whether an end never gives its core away: two such ends cannot share one.
    #[serde(skip)]
    pub never_yields: bool,
    /// Whether a round takes minutes, so that fewer are made.
    #[serde(skip)]
    pub slow: bool,
}

impl About {
    /// A peer between two threads.
    #[must_use]
    pub const fn threads(name: &'static str, wait: &'static str) -> Self {
        Self { name, wait, between: Between::Threads, ours: false, never_yields: false, slow: false }
    }

    /// A peer between two processes.
    #[must_use]
    pub const fn processes(name: &'static str, wait: &'static str) -> Self {
        Self { between: Between::Processes, ..Self::threads(name, wait) }
    }

    /// The same, as turbo's own.
    #[must_use]
    pub const fn ours(self) -> Self {
        Self { ours: true, ..self }
    }

    /// The same, with ends that never give their core away.
    #[must_use]
    pub const fn never_yielding(self) -> Self {
        Self { never_yields: true, ..self }
    }

    /// The same, with rounds of minutes.
    #[must_use]
    pub const fn slow(self) -> Self {
        Self { slow: true, ..self }
    }
}

/// One way of handing over: what a new backend implements, usually by way of [`Threads`] or [`Processes`].
pub trait Pair {
    /// What the table says of it.
    fn about(&self) -> About;

    /// One round with fresh ends on `seats`: the latency of every call, in nanoseconds.
    ///
    /// # Errors
    /// Why the round came to nothing; [`crate::error::BenchError::Python`] where the peer cannot be had here.
    fn round(&self, plan: &Plan, seats: Seats) -> Result<Vec<u32>>;
}
