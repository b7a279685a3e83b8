//! Format version 1 of a journal file; all numbers are little-endian.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 8 | `TURBOJNL`, written last: zeros mean that the journal was never finished and took no row |
//! | 8 | 4 | format version |
//! | 12 | 4 | length *n* of the description |
//! | 16 | *n* | description: the program that wrote it (text), journal id (16 bytes), stem (text), extension (text), `max_entries` (u64), number of columns (u32), for each its name (text), dtype (text, as [`crate::schema::DType::name`]), 1 where nullable |
//! | 16 + *n* | 4 | CRC-32 of all before it |
//! | next multiple of 4096 | | records, each at a multiple of 8 |
//!
//! A text is its length (u32) and UTF-8. A record is a head of 24 bytes — first four bytes of the journal id, payload
//! length (u32), generation (u64), ordinal within the generation (u32), CRC-32 of journal id, head and payload (u32)
//! — and its payload: number of rows (u32), then column by column, for a nullable one a byte 1 or 0 per row, and the
//! values that are there (a byte for a boolean, 4 or 8 bytes for numbers, a text).

use std::sync::atomic::{AtomicU32, Ordering};

use parquet::file::metadata::KeyValue;
use rt_core::clock::UnixTime;

/// The format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// What a part's metadata has its origin under.
pub(super) const ORIGIN_KEY: &str = "turbo.journal";

pub(super) const MAGIC: [u8; 8] = *b"TURBOJNL";
/// Records begin at a multiple of this.
pub(super) const PAGE_BYTES: usize = 4_096;
/// Every record begins at a multiple of this.
pub(super) const ALIGN_BYTES: usize = 8;

/// Why bytes are not a journal that this program reads.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormatError {
    /// Begins otherwise than a journal.
    #[error("not a journal of turbo: it does not begin with \"TURBOJNL\"")]
    Foreign,
    /// Its writer died before it took a row.
    #[error("its writer ended before it took a row")]
    Unfinished,
    /// Another version of the format.
    #[error(
        "its format is version {found} and this program reads version {FORMAT_VERSION}: recover it with the turbo that wrote it"
    )]
    Version {
        /// The version it says.
        found: u32,
    },
    /// Its description is damaged, so that nobody can say what its rows mean.
    #[error("its description is damaged ({what}); bytes 0 to {end_bytes} would have to be whole")]
    Description {
        /// What does not fit.
        what: &'static str,
        /// Where the description ends, as far as that is known.
        end_bytes: usize,
    },
}

/// Which journal, of all that were ever made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalId(pub(super) [u8; 16]);

impl JournalId {
    /// One that no other journal has: time, process and count.
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let (time, process) = (u128::from(UnixTime::now().as_ns()), u128::from(std::process::id()));
        // The first four bytes mark records, so what differs between journals comes first.
        Self((time ^ (process << 64) ^ (u128::from(count) << 96)).to_le_bytes())
    }

    pub(super) fn tag(self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }
}

/// Which rows a part was made of: a generation of a journal. A part's metadata has it as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub(super) journal: JournalId,
    pub(super) generation: u64,
}

impl Origin {
    /// As the part's metadata has it: `turbo.journal`, the journal's id in hexadecimal, a colon, the generation.
    pub(crate) fn note(self) -> KeyValue {
        KeyValue::new(
            ORIGIN_KEY.to_owned(),
            format!("{:032x}:{}", u128::from_be_bytes(self.journal.0), self.generation),
        )
    }

    /// What [`Self::note`] made.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (journal, generation) = text.split_once(':')?;
        let journal = u128::from_str_radix(journal, 16).ok()?;
        Some(Self { journal: JournalId(journal.to_be_bytes()), generation: generation.parse().ok()? })
    }
}
