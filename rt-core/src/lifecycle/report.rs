//! What a supervisor tells: each change of state with its cause, and each event that changed nothing.

use std::time::Duration;

use super::{Loss, State, Why};

/// One line for the log. `Display` is that line.
///
/// ```
/// use rt_core::lifecycle::{Cause, Loss, Report, State};
/// use std::time::Duration;
/// let loss = Loss::Missed(Duration::from_secs(5));
/// let cause = Cause::Lost { thread: "detector".into(), loss };
/// let report = Report::Changed { from: State::Running, to: State::Degraded, cause };
/// assert_eq!(report.to_string(), "running → degraded: detector missed its heartbeat (5.0 s)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The state has changed.
    Changed {
        /// Before.
        from: State,
        /// After.
        to: State,
        /// Why.
        cause: Cause,
    },
    /// Something happened, and the state is what it was.
    Stays {
        /// The state.
        state: State,
        /// What happened.
        cause: Cause,
        /// Why that changes nothing; `None` where it is told for its own sake.
        why: Option<Why>,
    },
}

/// Why the state changed, or might have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it, with the reason given.
    Asked(String),
    /// The order was worked off: everything has started, or stopped.
    Done,
    /// A thread was lost.
    Lost {
        /// Its name.
        thread: String,
        /// How.
        loss: Loss,
    },
    /// A thread beats again.
    Back {
        /// Its name.
        thread: String,
    },
    /// The supervisor itself was kept from watching.
    Blind(Duration),
    /// A subsystem did not start; those before it were stopped again.
    NotStarted {
        /// Its name.
        subsystem: String,
        /// Why.
        reason: String,
    },
    /// A subsystem did not stop as it should.
    NotStopped {
        /// Its name.
        subsystem: String,
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked(reason) => f.write_str(reason),
            Self::Done => f.write_str("done"),
            Self::Lost { thread, loss } => write!(f, "{thread} {loss}"),
            Self::Back { thread } => write!(f, "{thread} beats again"),
            Self::Blind(gap) => write!(f, "nobody was watched for {:.1} s: the process was stopped", gap.as_secs_f64()),
            Self::NotStarted { subsystem, reason } => write!(f, "{subsystem} did not start: {reason}"),
            Self::NotStopped { subsystem, reason } => write!(f, "{subsystem} did not stop as it should: {reason}"),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed { from, to, cause } => write!(f, "{from} → {to}: {cause}"),
            Self::Stays { state, cause, why: None } => write!(f, "{state}: {cause}"),
            Self::Stays { state, cause, why: Some(why) } => write!(f, "{state}: {cause} ({why})"),
        }
    }
}
