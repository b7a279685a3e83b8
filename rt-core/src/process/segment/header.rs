//! The header's layout, byte for byte: the first page of every segment.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The first eight bytes of a segment: `TURBOSEG` as they stand in memory.
pub(super) const MAGIC: u64 = u64::from_ne_bytes(*b"TURBOSEG");

/// Version of the layout of the header and of every structure in a segment; both ends must have the same.
pub const LAYOUT_VERSION: u32 = 1;

/// Most parts of one segment.
pub const MAX_PARTS: usize = 62;

/// Bytes of the header; the parts come after it.
pub(super) const HEADER_BYTES: usize = 4096;

/// What stands before the table.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Preamble {
    pub(super) magic: u64,
    pub(super) version: u32,
    pub(super) creator_pid: u32,
    /// [`super::ProcessId::pack`] of the creator.
    pub(super) creator: u64,
    /// Pid and time namespaces of the creator.
    pub(super) namespaces: [u64; 2],
    pub(super) total_bytes: u64,
    pub(super) part_count: u64,
    pub(super) reserved: [u64; 8],
    /// 1 once everything else is in place; stored last.
    pub(super) ready: u64,
}

/// One entry of the table.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) name: [u8; 32],
    pub(super) kind: u32,
    pub(super) capacity: u32,
    pub(super) message_bytes: u32,
    pub(super) message_align: u32,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

/// The whole header.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Header {
    pub(super) preamble: Preamble,
    pub(super) table: [Entry; MAX_PARTS],
}

/// Where the ready flag stands, words from the start.
pub(super) const READY_WORD: usize = std::mem::offset_of!(Preamble, ready) / 8;

const _: () = assert!(size_of::<Header>() == HEADER_BYTES);
