//! The head of a record: what tells a whole record from a torn one, and from one that an earlier part left behind.

use super::cursor::Cursor;
use super::format::{JournalId, Origin};

pub(super) const HEAD_BYTES: usize = 24;

/// A record's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) tag: [u8; 4],
    pub(super) payload_bytes: u32,
    pub(super) generation: u64,
    pub(super) ordinal: u32,
    pub(super) crc: u32,
}

impl Head {
    pub(super) fn of(origin: Origin, ordinal: u32, payload: &[u8]) -> Option<Self> {
        let payload_bytes = u32::try_from(payload.len()).ok()?;
        let mut head =
            Self { tag: origin.journal.tag(), payload_bytes, generation: origin.generation, ordinal, crc: 0 };
        head.crc = head.checksum(origin.journal, payload);
        Some(head)
    }

    pub(super) fn encode(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let fields = self.tag.into_iter().chain(self.payload_bytes.to_le_bytes());
        let fields = fields.chain(self.generation.to_le_bytes()).chain(self.ordinal.to_le_bytes());
        for (byte, field) in bytes.iter_mut().zip(fields.chain(self.crc.to_le_bytes())) {
            *byte = field;
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            tag: cursor.array()?,
            payload_bytes: cursor.u32()?,
            generation: cursor.u64()?,
            ordinal: cursor.u32()?,
            crc: cursor.u32()?,
        })
    }

    /// The checksum that it ought to have.
    pub(super) fn checksum(self, journal: JournalId, payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&journal.0);
        let encoded = self.encode();
        hasher.update(encoded.first_chunk::<{ HEAD_BYTES - 4 }>().map_or(&[], |head| head));
        hasher.update(payload);
        hasher.finalize()
    }
}
