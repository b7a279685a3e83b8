//! The journal as its writer has it: open, locked and growing up to its bound.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{ALIGN_BYTES, JournalId, MAGIC, Origin};
use super::head::{HEAD_BYTES, Head};
use super::header::Header;
use super::medium::Medium;
use super::rows::{Mark, encode};
use super::{JournalError, file_name, recover_journal};
use crate::disk_sync::{Synced, Syncer};
use crate::part_file::LogShape;
use crate::schema::ColumnBuffer;

/// What a journal takes on disk from its first row.
const FIRST_BYTES: usize = 64 << 10;
/// What a row may take on average before a journal is full: several times the widest log's.
const ROW_BYTES: usize = 2 << 10;
/// The bound follows the rows that a part may have, within these limits.
const LIMIT_BYTES: std::ops::RangeInclusive<usize> = 1 << 20..=256 << 20;

/// A log's journal, locked for as long as this exists. Dropped without [`Self::remove`], it stays to be recovered.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Arc<Synced>,
    medium: Medium,
    _syncer: Arc<Syncer>,
    origin: Origin,
    records_at: usize,
    limit_bytes: usize,
    /// Where the next record goes.
    tail: usize,
    ordinal: u32,
    payload: Vec<u8>,
}

impl Journal {
    /// A new journal of the log `shape` in `dir`. One that a dead process left there is recovered first.
    ///
    /// # Errors
    /// [`JournalError`]; no file is left behind.
    pub(crate) fn create(dir: &Path, shape: &LogShape, max_entries: NonZeroUsize) -> Result<Self, JournalError> {
        let path = dir.join(file_name(&shape.stem));
        let io = |what| move |path: &Path, source| JournalError::Io { what, path: path.to_owned(), source };
        let file = claim(&path)?;
        let made = Self::fill(dir, &path, file, shape, max_entries);
        made.map_err(|source| {
            // Without rows there is nothing in it for anybody.
            let _ = std::fs::remove_file(&path);
            io("make the journal")(&path, source)
        })
    }

    fn fill(dir: &Path, path: &Path, file: File, shape: &LogShape, max_entries: NonZeroUsize) -> io::Result<Self> {
        let journal = JournalId::new();
        let header = Header::encode(journal, shape, max_entries.get() as u64);
        let mut medium = Medium::new(&file, header.len().saturating_add(FIRST_BYTES))?;
        // The magic number last: a header that begins with it is whole.
        let (magic, rest) = header.split_at(MAGIC.len());
        medium.put(&file, MAGIC.len(), rest)?;
        medium.put(&file, 0, magic)?;
        let file = Arc::new(Synced::new(file, dir.to_owned()));
        let limit = max_entries.get().saturating_mul(ROW_BYTES).clamp(*LIMIT_BYTES.start(), *LIMIT_BYTES.end());
        Ok(Self {
            path: path.to_owned(),
            _syncer: Syncer::follow(&file)?,
            file,
            medium,
            origin: Origin { journal, generation: 0 },
            records_at: header.len(),
            limit_bytes: header.len().saturating_add(limit),
            tail: header.len(),
            ordinal: 0,
            payload: Vec::new(),
        })
    }

    /// What the part that is now being gathered is to say of its origin.
    pub(crate) const fn origin(&self) -> Origin {
        self.origin
    }

    /// Takes `rows` rows, those after each buffer's mark, as one record: all of them or none. Once this returns, they
    /// outlive the process.
    ///
    /// # Errors
    /// [`JournalError`]: the journal is at its bound, or the disk has no room; the next record is tried again.
    pub(crate) fn append<'a>(
        &mut self,
        rows: usize,
        columns: impl IntoIterator<Item = (&'a ColumnBuffer, &'a Mark)>,
    ) -> Result<(), JournalError> {
        self.payload.clear();
        encode(rows, columns, &mut self.payload);
        let payload_at = self.tail.saturating_add(HEAD_BYTES);
        let end = payload_at.saturating_add(self.payload.len()).next_multiple_of(ALIGN_BYTES);
        let full = || JournalError::Full { path: self.path.clone(), limit_bytes: self.limit_bytes };
        let head = Head::of(self.origin, self.ordinal, &self.payload).filter(|_| end <= self.limit_bytes);
        let head = head.ok_or_else(full)?;
        self.put(payload_at, end, head).map_err(|source| JournalError::Io {
            what: "write to",
            path: self.path.clone(),
            source,
        })?;
        self.tail = end;
        self.ordinal += 1;
        self.file.change();
        Ok(())
    }

    /// Why the disk did not follow since this was last asked.
    pub(crate) fn sync_error(&self) -> Option<JournalError> {
        let source = io::Error::other(self.file.take_error()?);
        Some(JournalError::Io { what: "sync", path: self.path.clone(), source })
    }

    fn put(&mut self, payload_at: usize, end: usize, head: Head) -> io::Result<()> {
        if end > self.medium.bytes() {
            let twice = self.medium.bytes().saturating_mul(2).min(self.limit_bytes);
            self.medium = Medium::new(self.file.file(), twice.max(end))?;
        }
        // The head last: with it the record is there.
        self.medium.put(self.file.file(), payload_at, &self.payload)?;
        self.medium.put(self.file.file(), self.tail, &head.encode())
    }

    /// The rows taken so far are in a whole part (or given up): the next ones belong to the next part.
    pub(crate) fn next_part(&mut self) {
        self.origin.generation += 1;
        self.tail = self.records_at;
        self.ordinal = 0;
    }

    /// Ends the journal: all of its rows are in whole parts.
    ///
    /// # Errors
    /// [`JournalError::Io`]; recovering it later finds nothing to add.
    pub(crate) fn remove(self) -> Result<(), JournalError> {
        let removed = std::fs::remove_file(&self.path);
        removed.map_err(|source| JournalError::Io { what: "remove", path: self.path.clone(), source })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The syncer may hold the file a little longer; the lock goes with the journal. It also goes with the process.
        let _ = self.file.file().unlock();
    }
}

/// Creates the file and locks it.
fn claim(path: &Path) -> Result<File, JournalError> {
    let io = |what| move |source| JournalError::Io { what, path: path.to_owned(), source };
    let taken = |reason| JournalError::Taken { path: path.to_owned(), reason };
    // Whoever recovers may find and remove the still empty file before it is locked; then it is made again.
    for _ in 0..3 {
        let file = match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let report = recover_journal(path);
                if path.try_exists().unwrap_or(true) {
                    return Err(taken(report.to_string()));
                }
                continue;
            }
            Err(error) => return Err(io("create the journal")(error)),
        };
        match file.try_lock() {
            Ok(()) if file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) => return Ok(file),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                let _ = std::fs::remove_file(path);
                return Err(io("lock the journal")(error));
            }
        }
    }
    Err(taken("another process takes it away again and again".to_owned()))
}
