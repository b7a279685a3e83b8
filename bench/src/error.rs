//! How a measurement fails.

use std::path::PathBuf;
use std::time::Duration;

/// Why a measurement, or one peer of it, came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The other end said nothing for so long that it must be gone.
    #[error("the other end was silent for {0:?}; it has ended or hangs")]
    Silent(Duration),
    /// The other end has closed its side.
    #[error("the other end has closed: {0}")]
    Closed(String),
    /// The other end answered something that does not follow from the call.
    #[error("the answer to {sent} was {got}; {} was expected", sent.wrapping_add(1))]
    WrongAnswer {
        /// What was sent.
        sent: u64,
        /// What came back.
        got: u64,
    },
    /// The bytes that arrived are not those that were sent.
    #[error(
        "a frame of {bytes} bytes arrived with the marks {first} and {last}; {expected_bytes} bytes with equal marks were sent"
    )]
    WrongFrame {
        /// Bytes that arrived.
        bytes: usize,
        /// Bytes that were sent.
        expected_bytes: usize,
        /// What the first eight bytes said.
        first: u64,
        /// What the last eight bytes said.
        last: u64,
    },
    /// More was filled than the slot has.
    #[error(transparent)]
    Overfilled(#[from] rt_core::memory::pool::Overfilled),
    /// The shared pool would not lend the slot.
    #[error(transparent)]
    Lend(#[from] rt_core::process::frames::LendError),
    /// A system call's answer.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A library's answer.
    #[error("{what}: {reason}")]
    Library {
        /// What was being done.
        what: &'static str,
        /// The library's answer.
        reason: String,
    },
    /// A child process did not do its part.
    #[error("the child process {words:?} failed: {reason}")]
    Child {
        /// Its command line.
        words: Vec<String>,
        /// What it left.
        reason: String,
    },
    /// A file of a child process does not hold what it must.
    #[error("{path} holds {got} samples; {wanted} were asked for")]
    Samples {
        /// The file.
        path: PathBuf,
        /// Samples in it.
        got: usize,
        /// Samples asked for.
        wanted: usize,
    },
    /// No environment for the peers that are Python programs.
    #[error("no Python environment: {0}")]
    Python(String),
    /// What was measured is not what must be.
    #[error("{0}")]
    Violated(String),
    /// Wrong use of the command line.
    #[error("{0}")]
    Usage(String),
}

impl BenchError {
    /// An error of the system while `what` was being done.
    pub fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// A library's error while `what` was being done.
    pub fn library<E: std::fmt::Debug>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |reason| Self::Library { what, reason: format!("{reason:?}") }
    }
}

/// What most functions here return.
pub type Result<T> = std::result::Result<T, BenchError>;
