//! What stands in front of a result on a stream of its own.

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::MAX_HEAD_BYTES;
use crate::wire::{WireError, in_range};

/// Bytes in front of a result on its own stream.
pub const RESULT_HEAD_BYTES: usize = size_of::<RawResultHead>();

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawResultHead {
    header_len: U16,
    reserved: U16,
    frame: U32,
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
