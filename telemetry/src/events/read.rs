//! Reads one file of the event log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::segments::MAGIC;
use super::{EVENT_BYTES, Event};

/// The longest header that is read: a foreign file without a line's end is not taken into memory.
const MOST_HEADER_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

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
    #[error(
        "{} is no event log of this version: it does not begin with a line {MAGIC:?} and a JSON object whose event_bytes \
         are {EVENT_BYTES}", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// The JSON of a file's first line.
#[derive(Debug)]
pub(super) struct Header(serde_json::Value);

impl Header {
    /// Reads the first line of `path`.
    pub(super) fn read(path: &Path, reader: &mut impl BufRead) -> Result<Self, EventFileError> {
        let foreign = || EventFileError::Foreign { path: path.to_owned() };
        let mut line = Vec::new();
        let read = reader.by_ref().take(MOST_HEADER_BYTES).read_until(b'\n', &mut line);
        read.map_err(|source| EventFileError::Io { path: path.to_owned(), source })?;
        let json = line.strip_prefix(MAGIC.as_bytes()).filter(|json| json.ends_with(b"\n")).ok_or_else(foreign)?;
        let header: serde_json::Value = serde_json::from_slice(json).map_err(|_| foreign())?;
        let event_bytes = header.get("event_bytes").and_then(serde_json::Value::as_u64);
        if event_bytes == Some(EVENT_BYTES as u64) { Ok(Self(header)) } else { Err(foreign()) }
    }

    /// The names of the rings, by [`Event::source`].
    pub(super) fn sources(&self) -> Vec<String> {
        let names = self.0.get("sources").and_then(serde_json::Value::as_array);
        names.into_iter().flatten().map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Whether only zeros are there: a power cut may leave a file longer than what of it had reached the disk, and no event
/// happened at zero.
pub(super) fn is_blank(bytes: &[u8; EVENT_BYTES]) -> bool {
    *bytes == [0; EVENT_BYTES]
}

/// The events of one file, oldest first but for those marked late.
///
/// A file of a killed process may end within an event; that end is left out.
#[derive(Debug)]
pub struct EventFile {
    header: Header,
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
        let mut reader = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
        Ok(Self { header: Header::read(path, &mut reader)?, reader, unknown: 0 })
    }

    /// The header: fields, kinds, sources, clocks.
    #[must_use]
    pub const fn header(&self) -> &serde_json::Value {
        &self.header.0
    }

    /// Events so far whose kind this version does not know, or of which only zeros reached the disk; they were left out.
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
            match Event::decode(&bytes).filter(|_| !is_blank(&bytes)) {
                Some(event) => return Some(Ok(event)),
                None => self.unknown += 1,
            }
        }
    }
}
