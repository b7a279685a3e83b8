//! Rows gathered in memory, and in a journal that outlives the process, until they are a numbered Parquet file.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use parquet::file::metadata::KeyValue;

use crate::journal::{Journal, Mark};
pub use crate::part_file::PartError;
use crate::part_file::{LogShape, WrittenPart};
use crate::schema::{Column, ColumnBuffer};

/// The default of `max_entries`, as in the original.
pub const DEFAULT_MAX_ENTRIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

/// A part that cannot be written waits in the journal for so many times `max_entries` rows before they are given up.
const WAITING_PARTS: usize = 4;

/// What became of a log's rows; no number ever falls, but for [`Self::rows_waiting`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogHealth {
    /// Part files completed.
    pub parts_written: u64,
    /// Rows in them.
    pub rows_written: u64,
    /// Rows thrown away because their part could not be written.
    pub rows_lost: u64,
    /// Rows that the journal could not take: lost only where the process died before their part was written.
    pub rows_unprotected: u64,
    /// Rows whose part could not be written and that wait in the journal for the next try, or for `turbo recover`.
    pub rows_waiting: u64,
    /// The last error, in words.
    pub last_error: Option<String>,
}

impl LogHealth {
    /// Adds another log's numbers to these.
    pub fn add(&mut self, other: &Self) {
        self.parts_written += other.parts_written;
        self.rows_written += other.rows_written;
        self.rows_lost += other.rows_lost;
        self.rows_unprotected += other.rows_unprotected;
        self.rows_waiting += other.rows_waiting;
        if other.last_error.is_some() {
            self.last_error.clone_from(&other.last_error);
        }
    }
}

/// The writer of one log's part files.
///
/// Every row is in a journal beside the parts from the moment [`Self::push`] returns until its part is whole, so that
/// a killed process loses none ([`crate::journal`]). Where there can be no journal, rows are counted in
/// [`LogHealth::rows_unprotected`]; where a part cannot be written, its rows wait in the journal for some more rows and
/// are then given up and counted in [`LogHealth::rows_lost`]. Nothing here ends the program.
pub struct PartWriter<R> {
    dir: PathBuf,
    shape: LogShape,
    columns: Vec<(Column<R>, ColumnBuffer)>,
    max_entries: NonZeroUsize,
    rows: usize,
    /// Rows of these that are not in the journal.
    unprotected: usize,
    spill_at: usize,
    next_part: u64,
    journal: Option<Journal>,
    marks: Vec<Mark>,
    health: LogHealth,
}

impl<R> PartWriter<R> {
    /// A writer of `dir/stem{K}extension`; nothing is created before there are rows.
    #[must_use]
    pub fn new(
        dir: &Path,
        stem: String,
        extension: &'static str,
        columns: Vec<Column<R>>,
        max_entries: NonZeroUsize,
    ) -> Self {
        let specs = columns.iter().map(|column| column.spec().clone()).collect();
        let columns = columns
            .into_iter()
            .map(|column| {
                let buffer = column.spec().buffer();
                (column, buffer)
            })
            .collect();
        Self {
            dir: dir.to_owned(),
            shape: LogShape { stem, extension: extension.to_owned(), columns: specs },
            columns,
            max_entries,
            rows: 0,
            unprotected: 0,
            spill_at: max_entries.get(),
            next_part: 0,
            journal: None,
            marks: Vec::new(),
            health: LogHealth::default(),
        }
    }

    /// Adds the rows of one frame (or one event); they end up in one part, which is spilled once it has
    /// `max_entries` rows or, where the last frame has several, a few more.
    pub fn push(&mut self, rows: &[R]) {
        if rows.is_empty() {
            return;
        }
        self.marks.clear();
        self.marks.extend(self.columns.iter().map(|(_, buffer)| Mark::of(buffer)));
        for (column, buffer) in &mut self.columns {
            rows.iter().for_each(|row| column.gather(row, buffer));
        }
        self.protect(rows.len());
        self.rows += rows.len();
        if self.rows >= self.spill_at {
            self.spill(self.max_entries.get().saturating_mul(WAITING_PARTS));
        }
    }

    /// Writes what there is as the last, partial part, and removes the journal. Where the part cannot be written, the
    /// journal keeps its rows.
    pub fn finish(&mut self) {
        if self.rows > 0 {
            self.spill(usize::MAX);
        }
        // Rows that are left could not be written: those in the journal can be recovered, the others are lost.
        let waiting = self.rows - self.unprotected;
        self.health.rows_waiting = waiting as u64;
        self.health.rows_lost += self.unprotected as u64;
        if let Some(journal) = self.journal.take()
            && waiting == 0
            && let Err(error) = journal.remove()
        {
            self.health.last_error = Some(error.to_string());
        }
        self.forget_rows();
    }

    /// What became of the rows so far.
    #[must_use]
    pub const fn health(&self) -> &LogHealth {
        &self.health
    }

    /// Has the journal take the rows after the marks.
    fn protect(&mut self, rows: usize) {
        // Only a part's first rows have a journal made: it is tried again once a part, not once a row.
        if self.journal.is_none() && self.rows == 0 {
            match Journal::create(&self.dir, &self.shape, self.max_entries) {
                Ok(journal) => self.journal = Some(journal),
                Err(error) => self.health.last_error = Some(error.to_string()),
            }
        }
        let taken = self.journal.as_mut().is_some_and(|journal| {
            let buffers = self.columns.iter().map(|(_, buffer)| buffer);
            match journal.append(rows, buffers.zip(&self.marks)) {
                Ok(()) => true,
                Err(error) => {
                    self.health.last_error = Some(error.to_string());
                    false
                }
            }
        });
        if let Some(error) = self.journal.as_ref().and_then(Journal::sync_error) {
            // In the journal, and so safe from a crash of the process, but perhaps not from a power cut.
            self.health.rows_unprotected += if taken { rows as u64 } else { 0 };
            self.health.last_error = Some(error.to_string());
        }
        if !taken {
            self.unprotected += rows;
            self.health.rows_unprotected += rows as u64;
        }
    }

    /// Makes the rows a part; where that fails and there is a journal, they wait in it, as long as they are fewer than
    /// `patience`.
    fn spill(&mut self, patience: usize) {
        let rows = self.rows as u64;
        match self.write_part() {
            Ok(part) => {
                self.next_part = part.number + 1;
                self.health.parts_written += 1;
                self.health.rows_written += rows;
                if let Some(error) = part.unsynced {
                    self.health.last_error = Some(error.to_string());
                }
            }
            Err(error) => {
                self.health.last_error = Some(error.to_string());
                if self.journal.is_some() && self.rows < patience {
                    self.health.rows_waiting = rows;
                    self.spill_at = self.rows.saturating_add(self.max_entries.get());
                    return;
                }
                self.health.rows_lost += rows;
            }
        }
        self.health.rows_waiting = 0;
        self.forget_rows();
        if let Some(journal) = &mut self.journal {
            journal.next_part();
        }
    }

    fn write_part(&self) -> Result<WrittenPart, PartError> {
        let notes: Vec<KeyValue> = self.journal.iter().map(|journal| journal.origin().note()).collect();
        let buffers = self.columns.iter().map(|(_, buffer)| buffer);
        self.shape.write_part(&self.dir, self.next_part, buffers, &notes)
    }

    fn forget_rows(&mut self) {
        self.rows = 0;
        self.unprotected = 0;
        self.spill_at = self.max_entries.get();
        self.columns.iter_mut().for_each(|(_, buffer)| buffer.clear());
    }
}
