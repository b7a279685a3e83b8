//! A shard of a frame, car to cloud.

use std::time::Duration;

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Datagram, KIND_SHARD, head, head_len, no_more};
use crate::wire::frame::{HEADER_BYTES, MAX_BUDGET_US};
use crate::wire::layout::{LEAST_SHARD_BYTES, ShardLayout};
use crate::wire::{WireError, in_range};

/// Bytes in front of a shard in this version.
pub const SHARD_HEADER_BYTES: usize = size_of::<RawShard>();

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

pub(super) fn decode(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
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

const _: () = assert!(HEADER_BYTES < LEAST_SHARD_BYTES, "the first shard holds the whole frame header");
