//! How a report fails, and the exit code that follows.

use std::io;
use std::path::PathBuf;

use crate::text::shown;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The path is not there, or is not a directory.
    #[error(
        "{}: {reason}; give a run directory such as client_main_2026-01-31_12-00-00, or the output directory it lies in",
        shown(path)
    )]
    NoDirectory {
        /// What was given.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// A directory that no run wrote.
    #[error(
        "{} is not a run: {found}; a run directory is called client_main_*, quic_client_*, server_main_* or quic_server_* and holds log files",
        shown(path)
    )]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What was looked at.
        found: String,
    },
    /// Words on the command line that do not go together.
    #[error("{0}")]
    Usage(String),
    /// The output could not be written.
    #[error("cannot write {}: {source}", shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The MCAP writer refused.
    #[error("cannot write {} as MCAP: {reason}", shown(path))]
    Mcap {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// `--verify` found errors.
    #[error("{errors} findings against the specification")]
    Findings {
        /// How many.
        errors: usize,
    },
}

impl ReportError {
    /// The process's exit code: 2 for wrong use, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NoDirectory { .. } | Self::NotARun { .. } | Self::Usage(_) => 2,
            Self::Write { .. } | Self::Mcap { .. } | Self::Findings { .. } => 1,
        }
    }
}
