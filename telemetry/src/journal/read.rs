//! What a journal holds, read without believing any of it: every whole record of the newest generation, and where
//! others are missing.

use super::format::{ALIGN_BYTES, FormatError, JournalId, Origin};
use super::head::{HEAD_BYTES, Head};
use super::header::Header;
use super::report::Damage;
use super::rows;
use crate::schema::ColumnBuffer;

/// The rows that are not yet known to be in a part.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) header: Header,
    /// The newest generation; of a journal without records, the first.
    pub(super) origin: Origin,
    pub(super) rows: u64,
    pub(super) buffers: Vec<ColumnBuffer>,
    /// Records that are not whole.
    pub(super) damage: Vec<Damage>,
}

/// A record whose checksum fits.
#[derive(Clone, Copy)]
struct Record<'a> {
    at: usize,
    end: usize,
    head: Head,
    payload: &'a [u8],
}

/// Reads the bytes of a journal file.
///
/// Where a record is damaged, those behind it are still found: records begin at multiples of 8 and know their journal,
/// generation and ordinal, so none is taken for another one.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, FormatError> {
    let header = Header::decode(bytes)?;
    let records = records(bytes, header.records_at, header.journal);
    let generation = records.iter().map(|record| record.head.generation).max().unwrap_or(0);
    let origin = Origin { journal: header.journal, generation };
    let buffers = header.shape.columns.iter().map(crate::schema::ColumnSpec::buffer).collect();
    let mut contents = Contents { rows: 0, buffers, damage: Vec::new(), origin, header };
    let (mut next, mut end) = (0, contents.header.records_at);
    // What an earlier part left behind the newest generation's records does not count, nor does anything out of order.
    for record in records.iter().filter(|record| record.head.generation == generation) {
        let Some(missing) = record.head.ordinal.checked_sub(next) else { continue };
        if missing > 0 {
            contents.damage.push(Damage { offset_bytes: end as u64, records: u64::from(missing) });
        }
        match rows::decode(record.payload, &contents.header.shape.columns) {
            Some((count, rows)) => {
                contents.rows += count;
                rows::append(&mut contents.buffers, rows);
            }
            None => contents.damage.push(Damage { offset_bytes: record.at as u64, records: 1 }),
        }
        (next, end) = (record.head.ordinal.saturating_add(1), record.end);
    }
    if is_torn(bytes, end, origin, next) {
        contents.damage.push(Damage { offset_bytes: end as u64, records: 1 });
    }
    Ok(contents)
}

/// Every whole record, of all generations, by place.
fn records(bytes: &[u8], from: usize, journal: JournalId) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    let mut at = from;
    while at.saturating_add(HEAD_BYTES) <= bytes.len() {
        match record(bytes, at, journal) {
            Some(record) => {
                at = record.end;
                records.push(record);
            }
            None => at = at.saturating_add(ALIGN_BYTES),
        }
    }
    records
}

fn record(bytes: &[u8], at: usize, journal: JournalId) -> Option<Record<'_>> {
    let rest = bytes.get(at..)?;
    // Most places that are looked at are no record: the tag alone decides.
    if rest.get(..4)? != journal.tag() {
        return None;
    }
    let head = Head::decode(rest)?;
    let payload_end = HEAD_BYTES.checked_add(usize::try_from(head.payload_bytes).ok()?)?;
    let payload = rest.get(HEAD_BYTES..payload_end)?;
    let end = at.checked_add(payload_end)?.next_multiple_of(ALIGN_BYTES);
    (head.checksum(journal, payload) == head.crc).then_some(Record { at, end, head, payload })
}

/// Whether what stands behind the last whole record is the beginning of the next one, and not an earlier part's rest.
fn is_torn(bytes: &[u8], at: usize, origin: Origin, ordinal: u32) -> bool {
    let Some(head) = bytes.get(at..).and_then(Head::decode) else { return false };
    let is_newest = head.generation == origin.generation;
    let looks_right = head.tag == origin.journal.tag() || head.ordinal == ordinal;
    // Zeros are no record: the first generation and its first ordinal are zero.
    is_newest && looks_right && head.payload_bytes > 0 && head.crc != 0
}
