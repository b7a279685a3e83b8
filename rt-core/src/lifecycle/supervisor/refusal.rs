//! Orders that a supervisor does not follow.

use crate::lifecycle::{State, Why};

/// Why an order was not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Two subsystems of one name.
    #[error("two subsystems are named {name:?}; expected a different name for each")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// The order does not name each subsystem once.
    #[error("the stop order is {order:?}; expected each of {known:?} once")]
    StopOrder {
        /// As given.
        order: Vec<String>,
        /// The subsystems there are.
        known: Vec<String>,
    },
    /// The state says no.
    #[error("refused while {state}: {why}")]
    State {
        /// The state.
        state: State,
        /// Why.
        why: Why,
    },
    /// Not every subsystem is up.
    #[error("not started: {}; start them first", down.join(", "))]
    NotAllUp {
        /// Those that are not.
        down: Vec<String>,
    },
    /// A subsystem did not start.
    #[error("{subsystem}: {reason}")]
    NotStarted {
        /// Its name.
        subsystem: String,
        /// Why.
        reason: String,
    },
    /// In engineering mode, subsystems are driven by hand only.
    #[error("refused in engineering mode; leave it first")]
    Engineering,
    /// Not in engineering mode.
    #[error("subsystems are driven by hand in engineering mode only; enter it first")]
    NotEngineering,
    /// Nothing is driven by hand while the system is at work.
    #[error("refused while {state}: subsystems are driven by hand only while nothing is at work")]
    AtWork {
        /// The state.
        state: State,
    },
    /// No subsystem of that name.
    #[error("there is no subsystem {name:?}; there are {}", known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// It is where it was to be brought.
    #[error("{name} is {} already", if *.up { "up" } else { "down" })]
    Already {
        /// The subsystem.
        name: String,
        /// Whether it is up.
        up: bool,
    },
}
