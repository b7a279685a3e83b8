//! What can be wrong with a part file.

use std::fmt::Display;

/// Why a part could not be read; the file's name is said by whoever knows it.
#[derive(Debug, thiserror::Error)]
pub enum PartProblem {
    /// The file system refused.
    #[error("cannot be read: {0}")]
    Io(std::io::Error),
    /// No bytes at all.
    #[error("is empty; a part has at least one row")]
    Empty,
    /// Something else under a log's name.
    #[error("is not a Parquet file, though it has a log's name")]
    NotParquet,
    /// The footer is missing.
    #[error("is cut short: its {bytes} bytes have no Parquet footer at the end")]
    CutShort {
        /// How many bytes there are.
        bytes: u64,
    },
    /// A footer that cannot be true.
    #[error("claims {rows} rows; a part has at most {most}")]
    TooManyRows {
        /// The claim.
        rows: usize,
        /// The limit.
        most: usize,
    },
    /// Bytes are not those that were written.
    #[error("is damaged: it was sealed with the checksum {sealed:?}, and its bytes give {found:?}")]
    Broken {
        /// The checksum it was sealed with.
        sealed: String,
        /// That of its bytes.
        found: String,
    },
    /// The reader gave up.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// A column that every version has.
    #[error("has no column {name:?} of type {dtype}")]
    NoColumn {
        /// The column.
        name: String,
        /// The type it ought to have.
        dtype: &'static str,
    },
}

impl PartProblem {
    /// The reader's error in one line.
    pub(super) fn damaged(error: impl Display) -> Self {
        Self::Damaged(error.to_string().lines().next().unwrap_or("no reason given").to_owned())
    }
}
