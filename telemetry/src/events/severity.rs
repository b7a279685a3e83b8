//! How much an event matters, from what only a search for a cause needs to what ends a run.

use std::fmt;
use std::str::FromStr;

/// Who wants to know; the greater, the more people.
///
/// ```
/// use telemetry::events::Severity;
/// assert!(Severity::Warning > Severity::Info);
/// assert_eq!("warning".parse(), Ok(Severity::Warning));
/// assert!("warn".parse::<Severity>().is_err_and(|error| error.to_string().contains("debug, info, warning, error")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Whoever looks for a cause: several of these a frame.
    Debug,
    /// Whoever watches.
    Info,
    /// Everybody: something was lost, refused or is not as it should be.
    Warning,
    /// Whoever has to act: the process cannot do its work.
    Error,
}

/// A word that is no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no severity; expected one of debug, info, warning, error")]
pub struct NoSeverity {
    /// The word.
    pub word: String,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warning, Self::Error];

    /// The name in files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = NoSeverity;

    fn from_str(word: &str) -> Result<Self, NoSeverity> {
        let found = Self::ALL.into_iter().find(|severity| severity.name() == word);
        found.ok_or_else(|| NoSeverity { word: word.chars().take(40).collect() })
    }
}
