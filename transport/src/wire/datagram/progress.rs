//! What the cloud has of a frame and what it is still missing, cloud to car.

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::ranges::{MAX_RANGES, Ranges};
use super::{KIND_PROGRESS, Message, head, head_len, no_more};
use crate::wire::{WireError, in_range};

/// Bytes of a progress report before its ranges.
pub const PROGRESS_HEADER_BYTES: usize = size_of::<RawProgress>();
/// The longest report, bytes.
pub(super) const MAX_PROGRESS_BYTES: usize = PROGRESS_HEADER_BYTES + MAX_RANGES * size_of::<RawRange>();

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawProgress {
    kind: u8,
    header_len: u8,
    state: u8,
    ranges: u8,
    frame: U32,
    needed: U16,
    received: U16,
    highest: U16,
    reserved: U16,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawRange {
    first: U16,
    count: U16,
}

/// Whether the cloud wants more of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// Shards are missing.
    Partial,
    /// It is whole; its result follows on a stream.
    Whole,
    /// Its time ran out before it was whole.
    Expired,
    /// The car holds more than its share of the cloud's memory.
    Overload,
    /// It breaks the protocol or the gateway's limits.
    Error,
}

/// What the cloud has of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The frame.
    pub frame: u32,
    /// Whether more of it is wanted.
    pub state: Reception,
    /// How many more shards would make it whole.
    pub needed: u16,
    /// Different shards received.
    pub received: u16,
    /// The highest index received.
    pub highest: u16,
    /// Missing shards, ascending: first index and how many. At most [`MAX_RANGES`].
    pub missing: Ranges,
}

impl Reception {
    const fn to_wire(self) -> u8 {
        match self {
            Self::Partial => 0,
            Self::Whole => 1,
            Self::Expired => 2,
            Self::Overload => 3,
            Self::Error => 4,
        }
    }

    fn from_wire(value: u8) -> Result<Self, WireError> {
        match value {
            0 => Ok(Self::Partial),
            1 => Ok(Self::Whole),
            2 => Ok(Self::Expired),
            3 => Ok(Self::Overload),
            4 => Ok(Self::Error),
            other => Err(WireError::Unknown { what: "reception state", value: u64::from(other) }),
        }
    }
}

impl Progress {
    /// Nothing more of `frame` is wanted, or ever was.
    #[must_use]
    pub fn last(frame: u32, state: Reception) -> Self {
        Self { frame, state, needed: 0, received: 0, highest: 0, missing: Ranges::default() }
    }

    /// The report as a datagram.
    #[must_use]
    pub fn encode(&self) -> Message {
        let raw = RawProgress {
            kind: KIND_PROGRESS,
            header_len: head_len::<RawProgress>(),
            state: self.state.to_wire(),
            ranges: u8::try_from(self.missing.len()).unwrap_or(0),
            frame: U32::new(self.frame),
            needed: U16::new(self.needed),
            received: U16::new(self.received),
            highest: U16::new(self.highest),
            reserved: U16::ZERO,
        };
        let mut ranges = [RawRange { first: U16::ZERO, count: U16::ZERO }; MAX_RANGES];
        for (place, (first, count)) in ranges.iter_mut().zip(self.missing.iter()) {
            *place = RawRange { first: U16::new(first), count: U16::new(count) };
        }
        let used = ranges.get(..self.missing.len()).unwrap_or_default();
        Message::new(&[raw.as_bytes(), used.as_bytes()])
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Progress, WireError> {
    let what = "progress datagram";
    let (raw, rest) = head::<RawProgress>(what, bytes, |raw| raw.header_len)?;
    let count = usize::from(raw.ranges);
    in_range("number of missing ranges", count as u64, 0, MAX_RANGES as u64)?;
    let need = count * size_of::<RawRange>();
    let listed = rest.get(..need).ok_or(WireError::Truncated { what, need, have: rest.len() })?;
    no_more(what, rest.len() - need)?;
    let mut missing = Ranges::default();
    let mut least = 0_u32;
    for chunk in listed.chunks_exact(size_of::<RawRange>()) {
        let short = |_| WireError::Truncated { what, need, have: chunk.len() };
        let range = RawRange::read_from_bytes(chunk).map_err(short)?;
        let (first, count) = (range.first.get(), range.count.get());
        in_range("first index of a missing range", u64::from(first), u64::from(least), u64::from(u16::MAX))?;
        in_range("length of a missing range", u64::from(count), 1, u64::from(u16::MAX - first))?;
        least = u32::from(first) + u32::from(count);
        missing.append(first, count);
    }
    Ok(Progress {
        frame: raw.frame.get(),
        state: Reception::from_wire(raw.state)?,
        needed: raw.needed.get(),
        received: raw.received.get(),
        highest: raw.highest.get(),
        missing,
    })
}
