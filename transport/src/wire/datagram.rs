//! Datagrams of the second carrier: shards of a frame up, what is still missing of it down, and the head of a result's
//! own stream.
//!
//! A frame's *object* is its header ([`super::frame`]) and its payload, one after the other. It is cut into data shards
//! of equal length, to which repair shards are added; each travels in a datagram of its own, and any `data_shards` of
//! them give the object back.

use std::time::Duration;

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::frame::{HEADER_BYTES, MAX_BUDGET_US, MAX_HEADER_BYTES};
use super::layout::ShardLayout;
use super::{MAX_FRAME_BYTES, WireError, in_range};

/// Bytes in front of a shard in this version.
pub const SHARD_HEADER_BYTES: usize = size_of::<RawShard>();
/// Bytes of a progress report before its ranges.
pub const PROGRESS_HEADER_BYTES: usize = size_of::<RawProgress>();
/// The most ranges one report names; what is missing beyond them is told by a later one.
pub const MAX_RANGES: usize = 32;
/// The longest datagram that is not a shard, bytes.
pub const MAX_MESSAGE_BYTES: usize = PROGRESS_HEADER_BYTES + MAX_RANGES * size_of::<RawRange>();
/// Bytes in front of a result on its own stream.
pub const RESULT_HEAD_BYTES: usize = size_of::<RawResultHead>();
/// The longest head a peer may announce, bytes, here and in front of every datagram.
const MAX_HEAD_BYTES: usize = 64;
/// The largest object: a frame and its header.
pub const MAX_OBJECT_BYTES: u32 = MAX_FRAME_BYTES + MAX_HEADER_BYTES as u32;

const KIND_SHARD: u8 = 1;
const KIND_PROGRESS: u8 = 2;
const KIND_ABANDON: u8 = 3;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawShard {
    kind: u8,
    header_len: u8,
    index: U16,
    frame: U32,
    data_shards: U16,
    total_shards: U16,
    object_bytes: U32,
    budget_us: U32,
}

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

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawAbandon {
    kind: u8,
    header_len: u8,
    reserved: U16,
    frame: U32,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawResultHead {
    header_len: U16,
    reserved: U16,
    frame: U32,
}

/// What stands in front of a shard.
///
/// ```
/// use std::time::Duration;
/// use transport::wire::datagram::{Datagram, ShardHeader, decode};
/// use transport::wire::layout::ShardLayout;
/// let layout = ShardLayout::cut(3_000, 1_200, 1).expect("three data shards and one of repair");
/// let header = ShardHeader { frame: 7, index: 3, layout, budget: Duration::from_millis(180) };
/// let mut bytes = header.encode().to_vec();
/// bytes.extend(vec![0; layout.carried_bytes(3)]);
/// let Datagram::Shard(decoded, shard) = decode(&bytes)? else { panic!("another kind") };
/// assert_eq!((decoded, shard.len()), (header, 1_000));
/// # Ok::<(), transport::wire::WireError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardHeader {
    /// The car's number of this transmission; never used twice in a connection.
    pub frame: u32,
    /// Which shard: data from 0, repair after them.
    pub index: u16,
    /// How the object is cut; the same in all shards of a frame.
    pub layout: ShardLayout,
    /// What was left until the car's decision when this shard was sent; whole microseconds.
    pub budget: Duration,
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

/// Up to [`MAX_RANGES`] ranges of shard indices, without a heap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    ranges: [(u16, u16); MAX_RANGES],
    count: usize,
}

impl Default for Ranges {
    fn default() -> Self {
        Self { ranges: [(0, 0); MAX_RANGES], count: 0 }
    }
}

impl std::fmt::Debug for Ranges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Ranges {
    /// Adds `index`, which is higher than all before; `false` where there is no room.
    pub fn push(&mut self, index: u16) -> bool {
        if let Some((first, count)) = self.count.checked_sub(1).and_then(|last| self.ranges.get_mut(last))
            && first.checked_add(*count) == Some(index)
        {
            *count += 1;
            return true;
        }
        let Some(place) = self.ranges.get_mut(self.count) else { return false };
        *place = (index, 1);
        self.count += 1;
        true
    }

    /// First index and count of each.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> {
        self.ranges.iter().take(self.count).copied()
    }

    /// Every index.
    pub fn indices(&self) -> impl Iterator<Item = u16> {
        self.iter().flat_map(|(first, count)| first..first.saturating_add(count))
    }

    /// How many ranges.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// A whole datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datagram<'a> {
    /// Car to cloud: a shard, as many bytes as its layout says.
    Shard(ShardHeader, &'a [u8]),
    /// Cloud to car: what is there of a frame.
    Progress(Progress),
    /// Car to cloud: this frame is given up; nothing more of it will come.
    Abandon(u32),
}

/// A datagram that is not a shard, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    bytes: [u8; MAX_MESSAGE_BYTES],
    length: usize,
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Message {
    fn new(parts: &[&[u8]]) -> Self {
        let mut message = Self { bytes: [0; MAX_MESSAGE_BYTES], length: 0 };
        let mut rest: &mut [u8] = &mut message.bytes;
        for part in parts {
            let Some((place, tail)) = rest.split_at_mut_checked(part.len()) else { break };
            place.copy_from_slice(part);
            rest = tail;
            message.length += part.len();
        }
        message
    }

    /// The frame is given up.
    #[must_use]
    pub fn abandon(frame: u32) -> Self {
        let raw = RawAbandon {
            kind: KIND_ABANDON,
            header_len: head_len::<RawAbandon>(),
            reserved: U16::ZERO,
            frame: U32::new(frame),
        };
        Self::new(&[raw.as_bytes()])
    }
}

fn head_len<T>() -> u8 {
    u8::try_from(size_of::<T>()).unwrap_or(0)
}

impl ShardHeader {
    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; SHARD_HEADER_BYTES] {
        let raw = RawShard {
            kind: KIND_SHARD,
            header_len: head_len::<RawShard>(),
            index: U16::new(self.index),
            frame: U32::new(self.frame),
            data_shards: U16::new(self.layout.data_shards()),
            total_shards: U16::new(self.layout.total_shards()),
            object_bytes: U32::new(self.layout.object_bytes()),
            budget_us: U32::new(u32::try_from(self.budget.as_micros()).unwrap_or(MAX_BUDGET_US).min(MAX_BUDGET_US)),
        };
        zerocopy::transmute!(raw)
    }
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

/// Decodes a datagram.
///
/// # Errors
/// The field that was wrong.
pub fn decode(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
    match bytes.first() {
        Some(&KIND_SHARD) => shard(bytes),
        Some(&KIND_PROGRESS) => progress(bytes).map(Datagram::Progress),
        Some(&KIND_ABANDON) => {
            let (raw, rest) = head::<RawAbandon>("abandon datagram", bytes, |raw| raw.header_len)?;
            no_more("abandon datagram", rest.len())?;
            Ok(Datagram::Abandon(raw.frame.get()))
        }
        Some(&other) => Err(WireError::Unknown { what: "datagram kind", value: u64::from(other) }),
        None => Err(WireError::Truncated { what: "datagram", need: 1, have: 0 }),
    }
}

/// A fixed head, and what follows the length that it announces.
fn head<'a, T: FromBytes + KnownLayout + Immutable + Copy>(
    what: &'static str,
    bytes: &'a [u8],
    length: impl Fn(&T) -> u8,
) -> Result<(T, &'a [u8]), WireError> {
    let have = bytes.len();
    let (raw, _) = T::read_from_prefix(bytes).map_err(|_| WireError::Truncated { what, need: size_of::<T>(), have })?;
    let announced = usize::from(length(&raw));
    in_range(what, announced as u64, size_of::<T>() as u64, MAX_HEAD_BYTES as u64)?;
    let rest = bytes.get(announced..).ok_or(WireError::Truncated { what, need: announced, have })?;
    Ok((raw, rest))
}

fn no_more(what: &'static str, count: usize) -> Result<(), WireError> {
    if count == 0 { Ok(()) } else { Err(WireError::Trailing { what, count }) }
}

fn shard(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
    let (raw, rest) = head::<RawShard>("shard header", bytes, |raw| raw.header_len)?;
    let layout = ShardLayout::new(raw.object_bytes.get(), raw.data_shards.get(), raw.total_shards.get())?;
    let index = raw.index.get();
    in_range("shard index", u64::from(index), 0, u64::from(layout.total_shards()) - 1)?;
    in_range("remaining budget in microseconds", u64::from(raw.budget_us.get()), 0, u64::from(MAX_BUDGET_US))?;
    let carried = layout.carried_bytes(index);
    let rest_len = rest.len();
    let body = rest.get(..carried).ok_or(WireError::Truncated { what: "shard", need: carried, have: rest_len })?;
    no_more("shard", rest_len - carried)?;
    let header = ShardHeader {
        frame: raw.frame.get(),
        index,
        layout,
        budget: Duration::from_micros(u64::from(raw.budget_us.get())),
    };
    Ok(Datagram::Shard(header, body))
}

fn progress(bytes: &[u8]) -> Result<Progress, WireError> {
    let what = "progress datagram";
    let (raw, rest) = head::<RawProgress>(what, bytes, |raw| raw.header_len)?;
    let count = usize::from(raw.ranges);
    in_range("number of missing ranges", count as u64, 0, MAX_RANGES as u64)?;
    let need = count * size_of::<RawRange>();
    let listed = rest.get(..need).ok_or(WireError::Truncated { what, need, have: rest.len() })?;
    no_more(what, rest.len() - need)?;
    let mut missing = Ranges::default();
    let mut least = 0_u32;
    for (place, chunk) in missing.ranges.iter_mut().zip(listed.chunks_exact(size_of::<RawRange>())) {
        let short = |_| WireError::Truncated { what, need, have: chunk.len() };
        let range = RawRange::read_from_bytes(chunk).map_err(short)?;
        let (first, count) = (range.first.get(), range.count.get());
        in_range("first index of a missing range", u64::from(first), u64::from(least), u64::from(u16::MAX))?;
        in_range("length of a missing range", u64::from(count), 1, u64::from(u16::MAX - first))?;
        least = u32::from(first) + u32::from(count);
        *place = (first, count);
    }
    missing.count = count;
    Ok(Progress {
        frame: raw.frame.get(),
        state: Reception::from_wire(raw.state)?,
        needed: raw.needed.get(),
        received: raw.received.get(),
        highest: raw.highest.get(),
        missing,
    })
}

/// What stands in front of a result on a stream of its own: whose result it is.
#[must_use]
pub fn encode_result_head(frame: u32) -> [u8; RESULT_HEAD_BYTES] {
    let length = U16::new(u16::try_from(RESULT_HEAD_BYTES).unwrap_or(0));
    zerocopy::transmute!(RawResultHead { header_len: length, reserved: U16::ZERO, frame: U32::new(frame) })
}

/// The frame that a result on a stream of its own belongs to, and the result's bytes.
///
/// # Errors
/// A head cut short, or longer than any version's.
pub fn decode_result_head(bytes: &[u8]) -> Result<(u32, &[u8]), WireError> {
    let what = "head of a result stream";
    let have = bytes.len();
    let (raw, _) = RawResultHead::read_from_prefix(bytes).map_err(|_| WireError::Truncated {
        what,
        need: RESULT_HEAD_BYTES,
        have,
    })?;
    let announced = usize::from(raw.header_len.get());
    in_range(what, announced as u64, RESULT_HEAD_BYTES as u64, MAX_HEAD_BYTES as u64)?;
    let rest = bytes.get(announced..).ok_or(WireError::Truncated { what, need: announced, have })?;
    Ok((raw.frame.get(), rest))
}

const _: () = assert!(HEADER_BYTES < super::layout::LEAST_SHARD_BYTES, "the first shard holds the whole frame header");

#[cfg(test)]
mod tests;
