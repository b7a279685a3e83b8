//! Everything that can be wrong with a segment, with what was found and what would be right.

use super::header::{LAYOUT_VERSION, MAGIC, MAX_PARTS};
use super::{Kind, Name};
use crate::memory::arena::ArenaError;

/// Why a segment, or a part of one, could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The memory could not be had.
    #[error(transparent)]
    Arena(#[from] ArenaError),
    /// The kernel refused a step.
    #[error("{step} failed: {source}")]
    Kernel {
        /// What was being done.
        step: &'static str,
        /// The kernel's answer.
        source: std::io::Error,
    },
    /// A name that cannot stand in a header.
    #[error("{name:?} is no part's name: 1 to {} bytes without NUL are", Name::MOST_BYTES)]
    BadName {
        /// The name.
        name: Box<str>,
    },
    /// Two parts of the same name.
    #[error("the segment has two parts named {name}; names must differ")]
    NamedTwice {
        /// The name.
        name: Name,
    },
    /// A part that can hold nothing, or more than an index can count.
    #[error("{kind} {name} of capacity {capacity}: it must be 1 to {most}")]
    Capacity {
        /// The part.
        name: Name,
        /// What it is.
        kind: Kind,
        /// What was asked for.
        capacity: usize,
        /// The most there can be.
        most: usize,
    },
    /// A message or slot of a size that cannot be.
    #[error("{kind} {name} with messages of {bytes} bytes: they must be 1 to {most} bytes")]
    MessageBytes {
        /// The part.
        name: Name,
        /// What it is.
        kind: Kind,
        /// What was asked for.
        bytes: usize,
        /// The most there can be.
        most: usize,
    },
    /// More parts than the header has room for.
    #[error("a segment of {found} parts; it has room for 1 to {MAX_PARTS}")]
    PartCount {
        /// How many.
        found: u64,
    },
    /// The descriptor is of something that cannot be sealed, or was not: its bytes could vanish under the reader.
    #[error(
        "the memory is not sealed against changes of size (seals {found:#x}, needed {needed:#x}): a segment is a memfd with F_SEAL_SHRINK and F_SEAL_GROW"
    )]
    NotSealed {
        /// The seals there are; −1 where the file can have none.
        found: i32,
        /// The seals there must be.
        needed: i32,
    },
    /// The memory is shorter than it says, or than a header.
    #[error("the memory has {found_bytes} bytes, its header needs {stated_bytes}")]
    Truncated {
        /// Bytes there are.
        found_bytes: u64,
        /// Bytes there should be.
        stated_bytes: u64,
    },
    /// Pages are missing: touching them would take memory that nobody reserved.
    #[error("only {resident_bytes} of the memory's {bytes} bytes exist; a segment's creator touches every page")]
    Sparse {
        /// Bytes there are.
        resident_bytes: u64,
        /// Bytes there should be.
        bytes: u64,
    },
    /// Something else lies there.
    #[error("the memory starts with {found:#018x}, a segment with {MAGIC:#018x}: this is something else")]
    NotASegment {
        /// The first eight bytes.
        found: u64,
    },
    /// Made by a program with another layout.
    #[error("the segment has layout version {found}, this program {LAYOUT_VERSION}: run the same release on both ends")]
    VersionMismatch {
        /// The version found.
        found: u32,
    },
    /// Its creator has not finished, or never will.
    #[error("the segment of process {pid} is not ready: it must be handed over after it was made")]
    NotReady {
        /// The creator.
        pid: u32,
    },
    /// Its creator has ended.
    #[error("the segment's creator, process {pid}, has ended: ask for the segment of the one that runs now")]
    Stale {
        /// The creator.
        pid: u32,
    },
    /// Made where pids or times mean something else.
    #[error("the segment is from {what} namespace {found}, this process is in {own}: both must share one")]
    Foreign {
        /// Which namespace.
        what: &'static str,
        /// The creator's.
        found: u64,
        /// This process's.
        own: u64,
    },
    /// A table entry that describes nothing.
    #[error("entry {index} of the segment's table is broken: {what} is {found}")]
    BadEntry {
        /// Which entry, from 0.
        index: usize,
        /// What of it.
        what: &'static str,
        /// What it says.
        found: u64,
    },
    /// A part that is not inside the segment.
    #[error("part {name} lies at {offset} + {bytes} bytes, outside the segment's {total_bytes}")]
    Outside {
        /// The part.
        name: Name,
        /// Its offset.
        offset: u64,
        /// Its bytes.
        bytes: u64,
        /// The segment's.
        total_bytes: u64,
    },
    /// Two parts in one place.
    #[error("parts {first} and {second} overlap")]
    Overlap {
        /// One.
        first: Name,
        /// The other.
        second: Name,
    },
    /// No part of that name.
    #[error("the segment has no part named {name} among its {parts}")]
    NoSuchPart {
        /// The name asked for.
        name: Name,
        /// How many parts there are.
        parts: usize,
    },
    /// A part of that name, but something else.
    #[error("{name} is a {found}, not a {expected}")]
    WrongKind {
        /// The name asked for.
        name: Name,
        /// What it is.
        found: Kind,
        /// What was asked for.
        expected: Kind,
    },
    /// A part of that name, for other messages.
    #[error(
        "{name} carries messages of {found_bytes} bytes aligned to {found_align}; this end's have {expected_bytes} bytes aligned to {expected_align}"
    )]
    WrongMessage {
        /// The part.
        name: Name,
        /// Bytes of its messages.
        found_bytes: u32,
        /// Their alignment.
        found_align: u32,
        /// Bytes of this end's messages.
        expected_bytes: usize,
        /// Their alignment.
        expected_align: usize,
    },
    /// A part without room for what it says it holds.
    #[error("{name} has {bytes} bytes, its capacity of {capacity} needs {needed_bytes}")]
    PartTooSmall {
        /// The part.
        name: Name,
        /// Its bytes.
        bytes: u64,
        /// The bytes its capacity needs.
        needed_bytes: u64,
        /// Its capacity.
        capacity: u32,
    },
    /// Writing where only reading is possible.
    #[error("{name} is in a segment that this process can only read")]
    ReadOnly {
        /// The part.
        name: Name,
    },
}
