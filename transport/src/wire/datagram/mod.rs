//! Datagrams of the second carrier: shards of a frame up, what is still missing of it down, and the head of a result's
//! own stream.
//!
//! A frame's *object* is its header ([`super::frame`]) and its payload, one after the other. It is cut into data shards
//! of equal length, to which repair shards are added; each travels in a datagram of its own, and any `data_shards` of
//! them give the object back.

mod progress;
mod ranges;
mod result_head;
mod shard;

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::frame::MAX_HEADER_BYTES;
use super::{MAX_FRAME_BYTES, WireError, in_range};

pub use progress::{PROGRESS_HEADER_BYTES, Progress, Reception};
pub use ranges::{MAX_RANGES, Ranges};
pub use result_head::{RESULT_HEAD_BYTES, decode_result_head, encode_result_head};
pub use shard::{SHARD_HEADER_BYTES, ShardHeader};

/// The longest datagram that is not a shard, bytes.
pub const MAX_MESSAGE_BYTES: usize = progress::MAX_PROGRESS_BYTES;
/// The longest head a peer may announce, bytes, here and in front of every datagram.
const MAX_HEAD_BYTES: usize = 64;
/// The largest object: a frame and its header.
pub const MAX_OBJECT_BYTES: u32 = MAX_FRAME_BYTES + MAX_HEADER_BYTES as u32;

const KIND_SHARD: u8 = 1;
const KIND_PROGRESS: u8 = 2;
const KIND_ABANDON: u8 = 3;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawAbandon {
    kind: u8,
    header_len: u8,
    reserved: U16,
    frame: U32,
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

/// Decodes a datagram.
///
/// # Errors
/// The field that was wrong.
pub fn decode(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
    match bytes.first() {
        Some(&KIND_SHARD) => shard::decode(bytes),
        Some(&KIND_PROGRESS) => progress::decode(bytes).map(Datagram::Progress),
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

#[cfg(test)]
mod tests;
