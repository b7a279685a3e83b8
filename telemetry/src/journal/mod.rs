//! The flight recorder: a journal per log that holds every row which is not yet in a whole part.
//!
//! `.{stem}.journal` lies beside the log's parts. The writer maps it into memory (or writes it, where a mapping could
//! end the process) and appends one checksummed record per frame or event, so that what a process took outlives it;
//! a thread of its own has the disk follow, so that a power cut takes less than the last second. A living process
//! locks its journals. What a dead one left, [`recover`] turns into a part: the file says which log it belongs to,
//! with names and types of all columns.
//!
//! Nothing is ever marked as done. All rows of one part are one *generation*, and the part carries the number of its
//! generation in its metadata ([`Origin`]); the next generation overwrites the journal from its start. At every
//! instant either a part with the journal's newest generation (or a later one) exists, and the journal has nothing to
//! add, or it does not, and the journal holds all of that part's rows: there is no step in between.

mod append;
mod cursor;
mod format;
mod head;
mod header;
mod medium;
mod read;
mod recover;
mod report;
mod rows;

pub(crate) use append::Journal;
pub(crate) use rows::Mark;

pub use format::{FORMAT_VERSION, FormatError, Origin};
pub use recover::{recover, recover_journal};
pub use report::{Damage, JournalReport, Outcome, RecoveryReport};

use std::path::PathBuf;

/// Why a log goes without a journal, or a row did not get into it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The journal has reached its bound.
    #[error("{} is full at {limit_bytes} bytes; a smaller max_entries needs less", path.display())]
    Full {
        /// The journal.
        path: PathBuf,
        /// Its bound.
        limit_bytes: usize,
    },
    /// Another process writes a log of that name, or left a journal that cannot be recovered.
    #[error("{} is there already: {reason}", path.display())]
    Taken {
        /// The journal.
        path: PathBuf,
        /// What is the matter with it.
        reason: String,
    },
}

/// The name of the journal of the log `stem`, beside its parts.
fn file_name(stem: &str) -> String {
    format!(".{stem}.journal")
}

#[cfg(test)]
mod tests;
