//! The event log: everything that any thread told, in one file, in the order of time.
//!
//! Every record that reaches the collector leaves one event of 32 bytes here ([`Event`]), and what the process says of
//! itself in words as many as its words need ([`Note`]). What there is to tell is declared once ([`EventKind`]); the file's own header, the documentation and the reader follow from that. The file is
//! binary because the threads of one car can tell millions of events a second, of which each would be a hundred bytes
//! and a microsecond as text; its header is one line of JSON that says where each field lies, so that any language reads
//! it (`numpy.fromfile` with an offset, for one).

mod from;
mod kinds;
mod log;
mod losses;
mod merge;
mod note;
mod read;
mod segments;
mod severity;
mod sink;
mod stream;
mod text;

use rt_core::clock::Monotonic;

pub use kinds::{EventKind, NoteKind};
pub use log::{EventHealth, EventLog};
pub use losses::{EventLosses, SourceLosses};
pub use merge::Merge;
pub(crate) use note::pieces;
pub use note::{Note, NoteReader};
pub use read::{EventFile, EventFileError};
pub use severity::{NoSeverity, Severity};
pub(crate) use sink::EventSink;
pub(crate) use stream::EventStream;

/// Bytes of one event.
pub const EVENT_BYTES: usize = 32;

/// Set in [`Event::flags`] of an event that came after its place in the order had been written.
pub const LATE: u8 = 1;
/// Set in [`Event::flags`] of a piece of a note whose words go on in the next event of its source.
pub const MORE: u8 = 2;

/// One event, as it lies in the file (little-endian, in the order of the fields).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened.
    pub at: Monotonic,
    /// The frame's number within its service; see [`EventKind::seq`].
    pub seq: u64,
    /// See [`EventKind::value`].
    pub value: u64,
    /// The service; zero where it is about none. Of a note's pieces their number, from zero.
    pub service: u16,
    /// Which ring it came through: an index into the header's `sources`.
    pub source: u16,
    /// What it tells.
    pub kind: EventKind,
    /// See [`EventKind::detail`].
    pub detail: u8,
    /// [`LATE`] and [`MORE`], where they hold.
    pub flags: u8,
}

/// Where each field lies: name, type as numpy spells it, offset.
pub(crate) const FIELDS: [(&str, &str, usize); 7] = [
    ("at_ns", "<u8", 0),
    ("seq", "<u8", 8),
    ("value", "<u8", 16),
    ("service", "<u2", 24),
    ("source", "<u2", 26),
    ("kind", "u1", 28),
    ("detail", "u1", 29),
];
/// The last field of [`FIELDS`].
pub(crate) const FLAGS_FIELD: (&str, &str, usize) = ("flags", "u1", 30);

impl Event {
    /// An event of `kind` at `at`, about nothing yet.
    #[must_use]
    pub const fn new(kind: EventKind, at: Monotonic) -> Self {
        Self { at, seq: 0, value: 0, service: 0, source: 0, kind, detail: 0, flags: 0 }
    }

    /// The bytes in the file.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> [u8; EVENT_BYTES] {
        let words = [
            self.at.as_ns(),
            self.seq,
            self.value,
            u64::from(self.service)
                | u64::from(self.source) << 16
                | u64::from(self.kind as u8) << 32
                | u64::from(self.detail) << 40
                | u64::from(self.flags) << 48,
        ];
        let mut bytes = [0; EVENT_BYTES];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    /// The event of these bytes; `None` for a kind that this version does not know.
    #[must_use]
    pub fn decode(bytes: &[u8; EVENT_BYTES]) -> Option<Self> {
        let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let (at, seq, value, last) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let [s0, s1, r0, r1, kind, detail, flags, _] = last.to_le_bytes();
        Some(Self {
            at: Monotonic::from_ns(at),
            seq,
            value,
            service: u16::from_le_bytes([s0, s1]),
            source: u16::from_le_bytes([r0, r1]),
            kind: *EventKind::ALL.get(usize::from(kind))?,
            detail,
            flags,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_event_comes_back_as_it_was(bytes: [u8; EVENT_BYTES]) {
            if let Some(event) = Event::decode(&bytes) {
                prop_assert_eq!(Event::decode(&event.encode()), Some(event));
                prop_assert_eq!(event.encode()[..31].to_vec(), bytes[..31].to_vec());
            } else {
                prop_assert!(usize::from(bytes[28]) >= EventKind::ALL.len());
            }
        }
    }

    #[test]
    fn numbers_and_names_of_kinds_are_their_own() {
        let names: std::collections::BTreeSet<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
        assert!(EventKind::ALL.iter().enumerate().all(|(number, kind)| *kind as usize == number));
    }
}
