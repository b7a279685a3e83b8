//! A part's seal: a checksum over every byte of its file, so that damage is known before anybody decodes it.
//!
//! Parquet has checksums for pages only, which its writers leave out, and none for the footer; a damaged length makes
//! readers ask for more memory than there is. The seal is a note in the footer, of a fixed length: the file is written
//! with zeros in its place, and their CRC-32 takes it before the file gets its name.

use parquet::file::metadata::KeyValue;

/// The note's name.
const KEY: &str = "turbo.crc32";
/// What stands in the seal's place while the checksum is taken.
const BLANK: [u8; 8] = *b"00000000";
/// The note as it lies in a footer, up to its value: the name, then a string of eight bytes (Thrift's compact protocol).
const MARK: &[u8] = b"turbo.crc32\x18\x08";
/// A footer's length and the magic number end a Parquet file.
const END: usize = 8;

/// What a file's seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Every byte is as it was written.
    Whole,
    /// Some are not.
    Broken {
        /// The checksum that the file was sealed with, in hexadecimal digits.
        sealed: String,
        /// The checksum of its bytes, likewise.
        found: String,
    },
    /// The file has none: an older version wrote it, another program, or the seal itself is damaged.
    Absent,
}

impl Seal {
    /// Looks at the whole file `bytes`.
    ///
    /// ```
    /// use telemetry::part_seal::Seal;
    /// assert_eq!(Seal::of(b"PAR1 and whatever else"), Seal::Absent);
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let Some((before, rest)) = place(bytes).and_then(|place| bytes.split_at_checked(place)) else {
            return Self::Absent;
        };
        let Some((value, after)) = rest.split_first_chunk::<{ BLANK.len() }>() else { return Self::Absent };
        let mut crc = crc32fast::Hasher::new();
        [before, &BLANK, after].into_iter().for_each(|bytes| crc.update(bytes));
        let found = digits(crc);
        if found.as_bytes() == value {
            return Self::Whole;
        }
        Self::Broken { sealed: String::from_utf8_lossy(value).into_owned(), found }
    }
}

/// Where the seal's value lies in a file that ends with `end`, counted from the begin of `end`.
fn place(end: &[u8]) -> Option<usize> {
    let footer_end = end.len().checked_sub(END)?;
    let length = u32::from_le_bytes(*end.get(footer_end..)?.first_chunk()?);
    let footer_start = footer_end.checked_sub(usize::try_from(length).ok()?)?;
    let footer = end.get(footer_start..footer_end)?;
    let mark = footer.windows(MARK.len()).rposition(|bytes| bytes == MARK)?;
    Some(footer_start + mark + MARK.len())
}

fn digits(crc: crc32fast::Hasher) -> String {
    format!("{:08x}", crc.finalize())
}

/// The note to write the file with.
pub(crate) fn blank() -> KeyValue {
    KeyValue::new(KEY.to_owned(), String::from_utf8_lossy(&BLANK).into_owned())
}

/// Puts the checksum of the whole file `bytes` in its place; `None` where the footer has no place for it.
pub(crate) fn seal(bytes: &mut [u8]) -> Option<()> {
    let place = place(bytes)?;
    // What stands in the seal's place is what the checksum takes there.
    let mut crc = crc32fast::Hasher::new();
    crc.update(bytes);
    let value = bytes.get_mut(place..)?.first_chunk_mut::<{ BLANK.len() }>()?;
    *value = *digits(crc).as_bytes().first_chunk()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part_file::LogShape;
    use crate::schema::{Values, required};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static PART: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let column = required("text", "", |row: &u32| format!("{row}"));
        let shape =
            LogShape { stem: "log".to_owned(), extension: ".csv".to_owned(), columns: vec![column.spec().clone()] };
        let mut buffer = column.spec().buffer();
        (0..500).for_each(|row| column.gather(&row, &mut buffer));
        assert!(matches!(buffer.values, Values::Bytes(_)));
        let dir = tempfile::tempdir().unwrap();
        // A note that looks like the seal's begin, but is not the last.
        let notes = [KeyValue::new("other".to_owned(), "turbo.crc32\u{18}\u{8}zzzzzzzz".to_owned())];
        let part = shape.write_part(dir.path(), 0, [&buffer], &notes).unwrap();
        std::fs::read(part.path).unwrap()
    });

    #[test]
    fn a_part_as_written_is_whole() {
        assert_eq!(Seal::of(&PART), Seal::Whole);
    }

    proptest! {
        #[test]
        fn no_damage_leaves_it_whole(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in prop::option::of(any::<prop::sample::Index>())) {
            let mut bytes = PART.clone();
            for (place, value) in damage {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            prop_assert_eq!(Seal::of(&bytes) == Seal::Whole, bytes == *PART);
        }
    }
}
