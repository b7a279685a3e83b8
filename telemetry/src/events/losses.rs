//! What an event log itself says of records that are missing or came late, without a look at the rest of the events.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::read::{EventFileError, Header, is_blank};
use super::{EVENT_BYTES, Event, EventKind, LATE};

/// Events that are read at once: 1 MiB.
const BLOCK: usize = 32 * 1024;

/// What one source, which is a ring, lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceLosses {
    /// Records that found the ring full.
    pub dropped: u64,
    /// Records that are there, marked, but came after their place in the order had been written.
    pub late: u64,
}

/// What the files of one event log say of losses.
///
/// ```
/// use telemetry::events::{EventFileError, EventLosses};
/// let mut losses = EventLosses::default();
/// let missing = losses.add(std::path::Path::new("/no/such/events.bin"));
/// assert!(matches!(missing, Err(EventFileError::Io { .. })));
/// assert_eq!((losses.events, losses.dropped()), (0, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventLosses {
    /// Events that were looked at.
    pub events: u64,
    /// Events of kinds that this version does not know, or of which only zeros reached the disk.
    pub unknown: u64,
    /// Every source that the files name.
    pub sources: BTreeMap<String, SourceLosses>,
}

impl EventLosses {
    /// Adds what the file `path` says.
    ///
    /// # Errors
    /// [`EventFileError`], for a file that cannot be read to its end or is none; what was read of it counts.
    pub fn add(&mut self, path: &Path) -> Result<(), EventFileError> {
        let failed = |source| EventFileError::Io { path: path.to_owned(), source };
        let mut reader = BufReader::new(File::open(path).map_err(failed)?);
        let names = Header::read(path, &mut reader)?.sources();
        let mut losses = vec![SourceLosses::default(); names.len()];
        let mut unnamed = SourceLosses::default();
        let mut block = vec![[0; EVENT_BYTES]; BLOCK];
        loop {
            let filled = fill(&mut reader, block.as_flattened_mut()).map_err(failed);
            for bytes in block.iter().take(filled.as_ref().map_or(0, |bytes| bytes / EVENT_BYTES)) {
                self.events += 1;
                if is_blank(bytes) || usize::from(bytes[28]) >= EventKind::ALL.len() {
                    self.unknown += 1;
                    continue;
                }
                // Nearly all events are neither, and cost no more than this look.
                if bytes[28] != EventKind::Dropped as u8 && bytes[30] & LATE == 0 {
                    continue;
                }
                let Some(event) = Event::decode(bytes) else { continue };
                let source = losses.get_mut(usize::from(event.source)).unwrap_or(&mut unnamed);
                if event.kind == EventKind::Dropped {
                    source.dropped += event.value;
                }
                source.late += u64::from(event.flags & LATE != 0);
            }
            // Less than a whole block: the file's end, in the middle of an event where the process was killed there.
            if filled? < block.len() * EVENT_BYTES {
                break;
            }
        }
        let unnamed = Some(("unnamed".to_owned(), unnamed)).filter(|(_, lost)| *lost != SourceLosses::default());
        for (name, theirs) in names.into_iter().zip(losses).chain(unnamed) {
            let source = self.sources.entry(name).or_default();
            source.dropped += theirs.dropped;
            source.late += theirs.late;
        }
        Ok(())
    }

    /// Records that found their ring full, of all sources.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.sources.values().map(|source| source.dropped).sum()
    }

    /// Records that came late, of all sources.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.sources.values().map(|source| source.late).sum()
    }
}

/// Reads until the buffer is full or the file at its end.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
