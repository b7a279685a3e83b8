//! What recovering came to, journal by journal.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Records that were not whole, and were discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Where in the journal the first of them begins.
    pub offset_bytes: u64,
    /// How many; each has all the rows of one frame or event.
    pub records: u64,
}

/// What became of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its rows are in a new part, and it is removed.
    Recovered,
    /// Its rows were in a part already; it is removed.
    AlreadyInParts,
    /// It held no row; it is removed.
    Empty,
    /// The process that writes it is alive; it was not touched.
    InUse,
    /// Not a journal, or one that cannot be understood; it was left alone.
    LeftAlone,
    /// It could not be read, or its part could not be written; it is still there.
    Failed,
}

/// One journal's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalReport {
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub journal: PathBuf,
    /// The log's file name before the part's number, where the journal says it.
    pub log: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Rows in the new part.
    pub rows: u64,
    /// The part that has the journal's rows.
    #[serde(serialize_with = "lossy_option")]
    pub part: Option<PathBuf>,
    /// What was discarded.
    pub damage: Vec<Damage>,
    /// Why it was left alone, or what failed.
    pub reason: Option<String>,
}

impl JournalReport {
    pub(super) const fn new(journal: PathBuf, outcome: Outcome) -> Self {
        Self { journal, log: None, outcome, rows: 0, part: None, damage: Vec::new(), reason: None }
    }

    pub(super) fn because(journal: PathBuf, outcome: Outcome, reason: impl fmt::Display) -> Self {
        Self { reason: Some(reason.to_string()), ..Self::new(journal, outcome) }
    }
}

impl fmt::Display for JournalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.journal.display())?;
        match (self.outcome, &self.part) {
            (Outcome::Recovered, Some(part)) => write!(f, "{} rows recovered to {}", self.rows, part.display())?,
            (Outcome::AlreadyInParts, Some(part)) => write!(f, "its rows are in {}", part.display())?,
            (Outcome::Recovered | Outcome::AlreadyInParts, None) => f.write_str("its rows are in parts")?,
            (Outcome::Empty, _) => f.write_str("no rows to recover")?,
            (Outcome::InUse, _) => f.write_str("its run is still going on")?,
            (Outcome::LeftAlone, _) => f.write_str("left alone")?,
            (Outcome::Failed, _) => f.write_str("not recovered")?,
        }
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        for damage in &self.damage {
            let Damage { offset_bytes, records } = damage;
            write!(f, "; {records} damaged record(s) discarded at byte {offset_bytes}")?;
        }
        Ok(())
    }
}

/// What recovering everything below a directory came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecoveryReport {
    /// Rows in new parts.
    pub rows_recovered: u64,
    /// New parts.
    pub parts_written: u64,
    /// Damaged records that were discarded.
    pub records_discarded: u64,
    /// Journals of runs that are still going on.
    pub in_use: u64,
    /// Journals that were left alone.
    pub left_alone: u64,
    /// Journals and directories at which something failed.
    pub failed: u64,
    /// Every journal, by path.
    pub journals: Vec<JournalReport>,
}

impl RecoveryReport {
    pub(super) fn add(&mut self, journal: JournalReport) {
        self.rows_recovered += journal.rows;
        self.records_discarded += journal.damage.iter().map(|damage| damage.records).sum::<u64>();
        match journal.outcome {
            Outcome::Recovered => self.parts_written += 1,
            Outcome::InUse => self.in_use += 1,
            Outcome::LeftAlone => self.left_alone += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::AlreadyInParts | Outcome::Empty => {}
        }
        self.journals.push(journal);
    }
}

fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

fn lossy_option<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.display().to_string()).serialize(serializer)
}
