//! Why a command was refused.

use crate::link::path::PathConfigError;

/// A command that cannot be carried out, and where in its line the fault is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("column {column}: {text:?} {problem}")]
pub struct CommandError {
    /// Column of the first character of `text`, from 1.
    pub column: usize,
    /// What stands there, shortened to 40 characters.
    pub text: String,
    /// What is wrong with it, and what would be right.
    pub problem: CommandProblem,
}

/// What is wrong with a word of a command.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandProblem {
    /// No command begins so.
    #[error(
        "is no command; one of rate, trace, queue, delay, jitter, loss, burst, reorder, duplicate, corrupt, blackout and rebind is wanted"
    )]
    Verb,
    /// The line ends too early.
    #[error("ends too early: {0} is wanted here")]
    Missing(&'static str),
    /// The line goes on where the command has ended.
    #[error("is too much: the command is complete before it")]
    Surplus,
    /// Not a direction.
    #[error("is no direction; up, down or both is wanted")]
    Direction,
    /// Not a rate.
    #[error("is no rate; a number from 0 to 1000000 in Mbit/s is wanted, such as 3 or 0.5")]
    Rate,
    /// Not a number of kilobytes.
    #[error("is no size; a number of kilobytes (1000 bytes) from 0 to 1000000 is wanted, such as 125")]
    Size,
    /// Not a time.
    #[error("is no time; a number with a unit, at most 24h, is wanted, such as 250us, 20ms, 1.5s, 2m or 1h")]
    Time,
    /// Not a fraction.
    #[error("is no fraction; a number from 0 to 1, or from 0% to 100%, is wanted, such as 0.01 or 1%")]
    Fraction,
    /// Not a number of packets.
    #[error("is no mean number of packets; a number from 1 to 1000000 is wanted, such as 8")]
    Packets,
    /// Neither on nor off.
    #[error("is neither; on or off is wanted")]
    Switch,
    /// Not an address.
    #[error("is no address; an IPv4 or IPv6 address of this machine is wanted, such as 127.0.0.2, or none at all")]
    Address,
    /// The trace cannot be used.
    #[error("is no trace that can be used: {0}")]
    Trace(String),
    /// Each word is right, but together they cannot be.
    #[error("cannot be: {0}")]
    Impossible(PathConfigError),
}
