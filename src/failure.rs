//! How a verb fails, and the exit code that follows.

/// Why a verb did not succeed; the text is ready to print.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Wrong use of the command line: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A wrong configuration, model, trace or image: exit code 78 (`EX_CONFIG` of sysexits.h).
    #[error("{0}")]
    Config(String),
    /// Anything else: exit code 1.
    #[error("{0}")]
    Run(String),
}

impl Failure {
    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) => 78,
            Self::Run(_) => 1,
        }
    }

    /// Takes any error as a wrong configuration.
    pub fn config(error: impl std::fmt::Display) -> Self {
        Self::Config(error.to_string())
    }

    /// Takes any error as a failure of the run.
    pub fn run(error: impl std::fmt::Display) -> Self {
        Self::Run(error.to_string())
    }
}
