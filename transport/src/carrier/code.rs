//! The erasure code: repair shards from an object, the object back from enough shards.
//!
//! Reed–Solomon over GF(2^16) (crate `reed-solomon-simd`): any `data_shards` of all shards are enough. Encoder and
//! decoder keep their working space from frame to frame.

use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use crate::wire::layout::ShardLayout;

/// The two parts of an object that is never copied into one.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The frame header's bytes.
    pub header: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Object<'a> {
    /// `length` bytes from `from`, in two parts of which either may be empty.
    #[must_use]
    pub fn slice(&self, from: usize, length: usize) -> [&'a [u8]; 2] {
        let end = from.saturating_add(length);
        let part = |bytes: &'a [u8], before: usize| {
            let (first, last) = (from.saturating_sub(before), end.saturating_sub(before));
            bytes.get(first.min(bytes.len())..last.min(bytes.len())).unwrap_or_default()
        };
        [part(self.header, 0), part(self.payload, self.header.len())]
    }
}

/// Makes repair shards.
#[derive(Default)]
pub struct Encoder {
    work: Option<ReedSolomonEncoder>,
    shard: Vec<u8>,
}

/// The code refused a shard, which only counts or lengths outside its limits can cause.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the erasure code refuses {layout:?}: {reason}")]
pub struct CodeError {
    layout: ShardLayout,
    reason: reed_solomon_simd::Error,
}

impl Encoder {
    /// Appends all repair shards of `object` to `repair`.
    ///
    /// # Errors
    /// A layout beyond the code's limits.
    pub fn encode(&mut self, layout: ShardLayout, object: Object<'_>, repair: &mut Vec<u8>) -> Result<(), CodeError> {
        let (data, extra, bytes) =
            (usize::from(layout.data_shards()), usize::from(layout.repair_shards()), layout.shard_bytes());
        if extra == 0 {
            return Ok(());
        }
        let fail = |reason| CodeError { layout, reason };
        let work = match &mut self.work {
            Some(work) => {
                work.reset(data, extra, bytes).map_err(fail)?;
                work
            }
            none => none.insert(ReedSolomonEncoder::new(data, extra, bytes).map_err(fail)?),
        };
        for index in 0..data {
            let [head, tail] = object.slice(index * bytes, bytes);
            if head.is_empty() && tail.len() == bytes {
                work.add_original_shard(tail).map_err(fail)?;
            } else {
                self.shard.clear();
                self.shard.extend_from_slice(head);
                self.shard.extend_from_slice(tail);
                self.shard.resize(bytes, 0);
                work.add_original_shard(&self.shard).map_err(fail)?;
            }
        }
        for shard in work.encode().map_err(fail)?.recovery_iter() {
            repair.extend_from_slice(shard);
        }
        Ok(())
    }
}

/// Gives objects back.
#[derive(Default)]
pub struct Decoder {
    work: Option<ReedSolomonDecoder>,
}

impl Decoder {
    /// Puts the object together from `shards` (index and padded bytes, at least `data_shards` different ones, ascending
    /// or not) into `object`, which is emptied first.
    ///
    /// # Errors
    /// Too few shards, or a layout beyond the code's limits.
    pub fn decode<'a>(
        &mut self,
        layout: ShardLayout,
        shards: impl Iterator<Item = (u16, &'a [u8])>,
        object: &mut Vec<u8>,
    ) -> Result<(), CodeError> {
        let (data, extra, bytes) =
            (usize::from(layout.data_shards()), usize::from(layout.repair_shards()), layout.shard_bytes());
        let fail = |reason| CodeError { layout, reason };
        object.clear();
        object.resize(data * bytes, 0);
        let (mut have, mut restored) = (vec![false; data], 0);
        let mut repair: Vec<(usize, &[u8])> = Vec::with_capacity(extra.min(data));
        for (index, shard) in shards {
            let index = usize::from(index);
            match (have.get_mut(index), object.chunks_exact_mut(bytes.max(1)).nth(index)) {
                (Some(seen), Some(place)) if shard.len() == bytes => {
                    place.copy_from_slice(shard);
                    restored += usize::from(!std::mem::replace(seen, true));
                }
                (None, _) => repair.push((index - data, shard)),
                _ => {}
            }
        }
        if restored < data {
            let work = match &mut self.work {
                Some(work) => {
                    work.reset(data, extra, bytes).map_err(fail)?;
                    work
                }
                none => none.insert(ReedSolomonDecoder::new(data, extra, bytes).map_err(fail)?),
            };
            for (index, shard) in object.chunks_exact(bytes.max(1)).enumerate() {
                if have.get(index) == Some(&true) {
                    work.add_original_shard(index, shard).map_err(fail)?;
                }
            }
            for (index, shard) in repair.into_iter().take(data - restored) {
                work.add_recovery_shard(index, shard).map_err(fail)?;
            }
            let found = work.decode().map_err(fail)?;
            for (index, place) in object.chunks_exact_mut(bytes.max(1)).enumerate() {
                if have.get(index) == Some(&false)
                    && let Some(shard) = found.restored_original(index)
                {
                    place.copy_from_slice(shard);
                }
            }
        }
        object.truncate(layout.object_bytes() as usize);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Any loss of at most as many shards as there is repair gives the object back exactly.
        #[test]
        fn any_loss_within_the_repair_is_mended(
            seed in any::<u8>(), size in 1..20_000_usize,
            most in 512..1_400_usize,
            repair in 0..12_u16,
            order in any::<u64>(),
        ) {
            let payload: Vec<u8> = (0..size).map(|place| (place * 31 + usize::from(seed)) as u8).collect();
            let header = [0xa5; 34];
            let object = Object { header: &header, payload: &payload };
            let layout = ShardLayout::cut(34 + payload.len(), most, repair).unwrap();
            let (mut encoder, mut decoder, mut extra) = (Encoder::default(), Decoder::default(), vec![]);
            encoder.encode(layout, object, &mut extra).unwrap();
            let whole = [header.as_slice(), &payload].concat();
            let bytes = layout.shard_bytes();
            let padded: Vec<Vec<u8>> = whole.chunks(bytes).map(|chunk| {
                let mut shard = chunk.to_vec();
                shard.resize(bytes, 0);
                shard
            }).chain(extra.chunks(bytes).map(<[u8]>::to_vec)).collect();
            prop_assert_eq!(padded.len(), usize::from(layout.total_shards()));
            let mut shards: Vec<(u16, &[u8])> = (0..).zip(padded.iter().map(Vec::as_slice)).collect();
            shards.sort_by_key(|(index, _)| (u64::from(*index) + 1).wrapping_mul(order | 1).rotate_left(17));
            shards.truncate(usize::from(layout.data_shards()));
            let mut back = vec![];
            decoder.decode(layout, shards.into_iter(), &mut back).unwrap();
            prop_assert_eq!(back, whole);
        }
    }

    #[test]
    fn too_few_shards_are_an_error() {
        let layout = ShardLayout::cut(3_000, 1_000, 1).unwrap();
        let shard = vec![1; layout.shard_bytes()];
        let mut back = vec![];
        assert!(Decoder::default().decode(layout, [(0, shard.as_slice())].into_iter(), &mut back).is_err());
    }
}
