//! Notes: what a process says of itself in words (states, peers, refusals, losses). Few, and never from a real-time
//! thread; in the event log each is as many events as its words need.

use rt_core::clock::Monotonic;

use super::{Event, EventKind, MORE, NoteKind};

/// Words that one event holds, bytes: those of `seq` and `value`.
const PIECE: usize = 16;
/// Of longer words the end is left out of the log.
const MOST_BYTES: usize = 4_096;

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it was said.
    pub at: Monotonic,
    /// What it is about.
    pub kind: NoteKind,
    /// The words.
    pub text: String,
}

/// The events that hold a note, in their order.
pub(crate) fn pieces(note: &Note) -> Vec<Event> {
    let bytes = note.text.as_bytes();
    let bytes = bytes.get(..MOST_BYTES).unwrap_or(bytes);
    let count = bytes.len().div_ceil(PIECE).max(1);
    let piece = |number: usize| {
        let words = bytes.chunks(PIECE).nth(number).unwrap_or_default();
        let mut both = [0; PIECE];
        both.iter_mut().zip(words).for_each(|(place, byte)| *place = *byte);
        let [seq, value] = halves(both);
        Event {
            seq,
            value,
            service: u16::try_from(number).unwrap_or(u16::MAX),
            detail: words.len() as u8,
            flags: if number + 1 < count { MORE } else { 0 },
            ..Event::new(note.kind.event(), note.at)
        }
    };
    (0..count).map(piece).collect()
}

fn halves(both: [u8; PIECE]) -> [u64; 2] {
    let both = u128::from_le_bytes(both);
    [both as u64, (both >> 64) as u64]
}

/// The words of one piece.
pub(super) fn words(event: &Event) -> Vec<u8> {
    let both = u128::from(event.seq) | u128::from(event.value) << 64;
    both.to_le_bytes().into_iter().take(usize::from(event.detail)).collect()
}

/// Puts notes together again from the events of a log, in whose order they come.
///
/// ```
/// use telemetry::events::{Event, EventKind, NoteReader};
/// use rt_core::clock::Monotonic;
/// let piece = Event { seq: u64::from_le_bytes(*b"joined\0\0"), detail: 6, ..Event::new(EventKind::Peer, Monotonic::ZERO) };
/// let note = NoteReader::default().take(&piece).expect("all of it is there");
/// assert_eq!(note.text, "joined");
/// ```
#[derive(Debug, Default)]
pub struct NoteReader {
    words: Vec<u8>,
    /// The number of the piece that is awaited, of a note of this kind said then.
    next: Option<(u16, EventKind, Monotonic)>,
}

impl NoteReader {
    /// Takes the next event; the note, where it is the last piece of one. What is no note, and pieces whose beginning
    /// was not heard (it may have gone with an older file), come to nothing.
    pub fn take(&mut self, event: &Event) -> Option<Note> {
        let kind = event.kind.note()?;
        if event.service == 0 {
            self.words.clear();
        } else if self.next != Some((event.service, event.kind, event.at)) {
            self.next = None;
            return None;
        }
        self.words.extend(words(event));
        if event.flags & MORE != 0 && self.words.len() < MOST_BYTES {
            self.next = Some((event.service.saturating_add(1), event.kind, event.at));
            return None;
        }
        self.next = None;
        Some(Note { at: event.at, kind, text: String::from_utf8_lossy(&self.words).into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn note(kind: usize, text: String) -> Note {
        Note { at: Monotonic::from_ns(5), kind: NoteKind::ALL[kind % NoteKind::ALL.len()], text }
    }

    proptest! {
        #[test]
        fn notes_come_back_word_for_word_between_other_events(said in prop::collection::vec((0_usize..99, "\\PC{0,80}"), 0..6)) {
            let notes: Vec<Note> = said.into_iter().map(|(kind, text)| note(kind, text)).collect();
            let mut reader = NoteReader::default();
            let mut read = Vec::new();
            for event in notes.iter().flat_map(pieces) {
                prop_assert_eq!(Event::decode(&event.encode()), Some(event));
                prop_assert_eq!(reader.take(&Event::new(EventKind::Hop, event.at)), None);
                read.extend(reader.take(&event));
            }
            prop_assert_eq!(read, notes);
        }

        #[test]
        fn whatever_is_missing_no_note_has_anothers_words(
            texts in prop::collection::vec("[ab]{0,60}", 1..4), missing in prop::collection::vec(any::<bool>(), 20),
        ) {
            let notes: Vec<Note> = texts.into_iter().enumerate().map(|(number, text)| note(number, text)).collect();
            let left = notes.iter().flat_map(pieces).zip(missing.iter().chain(std::iter::repeat(&false)));
            let mut reader = NoteReader::default();
            for (event, _) in left.filter(|(_, missing)| !**missing) {
                if let Some(read) = reader.take(&event) {
                    prop_assert!(notes.contains(&read), "{:?} of {:?}", read, notes);
                }
            }
        }
    }

    #[test]
    fn endless_words_are_cut() {
        let long = pieces(&note(0, "x".repeat(3 * MOST_BYTES)));
        let mut reader = NoteReader::default();
        let read: Vec<Note> = long.iter().filter_map(|event| reader.take(event)).collect();
        assert_eq!((read.len(), read[0].text.len(), long.len()), (1, MOST_BYTES, MOST_BYTES / PIECE));
    }
}
