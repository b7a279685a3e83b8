//! What a journal says of itself: whose rows it holds, and what they mean.

use super::cursor::{Cursor, put_text};
use super::format::{FORMAT_VERSION, FormatError, JournalId, MAGIC, PAGE_BYTES};
use crate::part_file::LogShape;
use crate::schema::{ColumnSpec, DType};

/// What a journal says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) journal: JournalId,
    pub(super) written_by: String,
    pub(super) shape: LogShape,
    pub(super) max_entries: u64,
    /// Where the records begin.
    pub(super) records_at: usize,
}

impl Header {
    /// The header as bytes, up to where the records begin.
    pub(super) fn encode(journal: JournalId, shape: &LogShape, max_entries: u64) -> Vec<u8> {
        let mut description = Vec::new();
        put_text(concat!("turbo ", env!("CARGO_PKG_VERSION")).as_bytes(), &mut description);
        description.extend_from_slice(&journal.0);
        put_text(shape.stem.as_bytes(), &mut description);
        put_text(shape.extension.as_bytes(), &mut description);
        description.extend_from_slice(&max_entries.to_le_bytes());
        description.extend_from_slice(&u32::try_from(shape.columns.len()).unwrap_or(u32::MAX).to_le_bytes());
        for column in &shape.columns {
            put_text(column.name.as_bytes(), &mut description);
            put_text(column.dtype.name().as_bytes(), &mut description);
            description.push(u8::from(column.nullable));
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(description.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.append(&mut description);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        match cursor.array() {
            Some(MAGIC) => {}
            None if bytes.iter().all(|&byte| byte == 0) => return Err(FormatError::Unfinished),
            Some([0, 0, 0, 0, 0, 0, 0, 0]) => return Err(FormatError::Unfinished),
            _ => return Err(FormatError::Foreign),
        }
        let damaged = |what, end_bytes| FormatError::Description { what, end_bytes };
        let short = damaged("the file ends within it", 16);
        let found = cursor.u32().ok_or_else(|| damaged("the file ends within it", 16))?;
        if found != FORMAT_VERSION {
            return Err(FormatError::Version { found });
        }
        let len = cursor.u32().and_then(|len| usize::try_from(len).ok()).ok_or(short)?;
        let crc_at = len.saturating_add(16);
        let end = crc_at.saturating_add(4);
        let description = cursor.bytes(len).ok_or_else(|| damaged("the file ends within it", end))?;
        let crc = cursor.u32().ok_or_else(|| damaged("the file ends within it", end))?;
        if bytes.get(..crc_at).map(crc32fast::hash) != Some(crc) {
            return Err(damaged("its checksum does not fit", end));
        }
        Self::describe(description, end).ok_or_else(|| damaged("its checksum fits, its contents do not", end))
    }

    fn describe(description: &[u8], end: usize) -> Option<Self> {
        let mut cursor = Cursor::new(description);
        let written_by = cursor.text()?.to_owned();
        let journal = JournalId(cursor.array()?);
        let (stem, extension) = (cursor.text()?.to_owned(), cursor.text()?.to_owned());
        let max_entries = cursor.u64()?;
        let count = cursor.u32()?;
        let mut columns = Vec::new();
        for _ in 0..count {
            let name = cursor.text()?.to_owned();
            let dtype = DType::from_name(cursor.text()?)?;
            let nullable = match cursor.array()? {
                [0] => false,
                [1] => true,
                _ => return None,
            };
            columns.push(ColumnSpec { name, dtype, nullable });
        }
        // The names become a file's: nothing may lead out of the directory.
        let plain = |name: &str| !name.contains(['/', '\0']);
        let fits = cursor.is_empty() && !columns.is_empty() && plain(&stem) && plain(&extension);
        let shape = LogShape { stem, extension, columns };
        let records_at = end.next_multiple_of(PAGE_BYTES);
        fits.then_some(Self { journal, written_by, shape, max_entries, records_at })
    }
}
