//! Why a trace was refused, down to the line and column.

use std::path::PathBuf;

/// A trace that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file could not be read.
    #[error("{}: cannot read the trace: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A line is not a delivery time.
    #[error(
        "{name}:{line}:{column}: {text:?} {problem}; a trace has one line per 1500-byte delivery opportunity: its time in whole milliseconds, from 0 to {MAX_MS}, none before the line above"
    )]
    Line {
        /// The trace's name, usually the file.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column of the first character of `text`, from 1.
        column: usize,
        /// What stands there, shortened to 40 characters.
        text: String,
        /// What is wrong with it.
        problem: TraceProblem,
    },
    /// There is no delivery time at all.
    #[error("{name}:1:1: no delivery times; a trace has at least one line, such as \"1\" for a steady 12 Mbit/s")]
    Empty {
        /// The trace's name.
        name: String,
    },
    /// Every time is 0, so that it would repeat without end at once.
    #[error(
        "{name}:{line}:{column}: the last time is 0 ms, but it is also the period after which the trace repeats; it has to be at least 1"
    )]
    ZeroPeriod {
        /// The trace's name.
        name: String,
        /// Line of the last time, from 1.
        line: usize,
        /// Column of its first character, from 1.
        column: usize,
    },
    /// A trace cannot be scaled by this.
    #[error(
        "{name}: cannot scale by {factor}; a factor is finite, not negative, and leaves the trace below 2^56 bits a period"
    )]
    Scale {
        /// The trace's name.
        name: String,
        /// The factor asked for.
        factor: f64,
    },
}

/// The latest time a trace may hold: a hundred days.
pub(super) const MAX_MS: u64 = 8_640_000_000;

/// What is wrong with one line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceProblem {
    /// Something else than digits.
    #[error("is not a whole number of milliseconds")]
    NotANumber,
    /// Below zero.
    #[error("is negative")]
    Negative,
    /// Beyond the latest time a trace may hold.
    #[error("is too large")]
    TooLarge,
    /// Earlier than the line above.
    #[error("is earlier than {previous_ms} on line {previous_line}")]
    Earlier {
        /// The time above, ms.
        previous_ms: u64,
        /// Its line, from 1.
        previous_line: usize,
    },
}
