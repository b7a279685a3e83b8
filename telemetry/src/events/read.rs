//! Reads one file of the event log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::segments::MAGIC;
use super::{EVENT_BYTES, Event};

/// The longest header that is read: a foreign file without a line's end is not taken into memory.
const MOST_HEADER_BYTES: u64 = 4 * 1024 * 1024;

/// Why a file is not an event log's.
#[derive(Debug, thiserror::Error)]
pub enum EventFileError {
    /// The file system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It begins with something else.
    #[error("{} is no event log of this version: it does not begin with a line {MAGIC:?} and a JSON object", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// The events of one file, oldest first but for those marked late.
///
/// A file of a killed process may end within an event; that end is left out.
#[derive(Debug)]
pub struct EventFile {
    header: serde_json::Value,
    reader: BufReader<File>,
    unknown: u64,
}

impl EventFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`EventFileError`], for a file that cannot be read or is none.
    pub fn open(path: &Path) -> Result<Self, EventFileError> {
        let failed = |source| EventFileError::Io { path: path.to_owned(), source };
        let foreign = || EventFileError::Foreign { path: path.to_owned() };
        let mut reader = BufReader::new(File::open(path).map_err(failed)?);
        let mut line = Vec::new();
        reader.by_ref().take(MOST_HEADER_BYTES).read_until(b'\n', &mut line).map_err(failed)?;
        let json = line.strip_prefix(MAGIC.as_bytes()).filter(|json| json.ends_with(b"\n")).ok_or_else(foreign)?;
        let header = serde_json::from_slice(json).map_err(|_| foreign())?;
        Ok(Self { header, reader, unknown: 0 })
    }

    /// The header: fields, kinds, sources, clocks.
    #[must_use]
    pub const fn header(&self) -> &serde_json::Value {
        &self.header
    }

    /// Events so far whose kind this version does not know; they were left out.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }
}

impl Iterator for EventFile {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut bytes = [0; EVENT_BYTES];
            match self.reader.read_exact(&mut bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
                Err(error) => return Some(Err(error)),
            }
            match Event::decode(&bytes) {
                Some(event) => return Some(Ok(event)),
                None => self.unknown += 1,
            }
        }
    }
}
