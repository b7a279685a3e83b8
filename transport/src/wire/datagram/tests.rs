use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wire::layout::{MAX_DATA_SHARDS, ShardLayout};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn shard_header() -> ShardHeader {
    let layout = ShardLayout::new(3_000, 3, 4).unwrap();
    ShardHeader { frame: 0x0102_0304, index: 2, layout, budget: Duration::from_millis(180) }
}

fn report() -> Progress {
    let mut missing = Ranges::default();
    for index in [1, 2, 3, 9] {
        assert!(missing.push(index));
    }
    Progress { frame: 0x0102_0304, state: Reception::Partial, needed: 3, received: 20, highest: 23, missing }
}

#[test]
fn every_kind_comes_back_and_a_longer_head_is_skipped() {
    let (header, report) = (shard_header(), report());
    let mut bytes = header.encode().to_vec();
    bytes.extend([7; 1_000]);
    assert_eq!(decode(&bytes).unwrap(), Datagram::Shard(header, &[7; 1_000]));
    bytes[1] += 2;
    bytes.splice(20..20, [9, 9]);
    assert_eq!(decode(&bytes).unwrap(), Datagram::Shard(header, &[7; 1_000]));
    assert_eq!(decode(report.encode().as_ref()).unwrap(), Datagram::Progress(report));
    assert_eq!(decode(Message::abandon(5).as_ref()).unwrap(), Datagram::Abandon(5));
    let mut stream = encode_result_head(9).to_vec();
    stream.extend(b"result");
    assert_eq!(decode_result_head(&stream).unwrap(), (9, b"result".as_slice()));
    assert!(decode_result_head(&stream[..7]).is_err());
}

#[test]
fn lies_are_named() {
    let header = shard_header();
    let body = |length: usize| [header.encode().to_vec(), vec![0; length]].concat();
    assert!(matches!(decode(&body(999)), Err(WireError::Truncated { what: "shard", .. })));
    assert!(matches!(decode(&body(1_001)), Err(WireError::Trailing { .. })));
    let with = |place: usize, bytes: &[u8]| {
        let mut datagram = body(1_000);
        datagram.splice(place..place + bytes.len(), bytes.iter().copied());
        decode(&datagram).expect_err("a lie").to_string()
    };
    assert!(with(2, &4_u16.to_le_bytes()).contains("shard index is 4"));
    assert!(with(8, &0_u16.to_le_bytes()).contains("number of data shards is 0"));
    assert!(with(8, &5_000_u16.to_le_bytes()).contains("number of data shards is 5000"));
    assert!(with(10, &15_u16.to_le_bytes()).contains("number of shards is 15"));
    assert!(with(10, &2_u16.to_le_bytes()).contains("number of shards is 2"));
    assert!(with(12, &500_u32.to_le_bytes()).contains("shard length is 168"));
    assert!(with(12, &u32::MAX.to_le_bytes()).contains("object length"));
    assert!(with(16, &u32::MAX.to_le_bytes()).contains("remaining budget"));
    assert!(with(0, &[9]).contains("datagram kind 9"));
    assert!(with(1, &[19]).contains("shard header is 19"));
    assert!(decode(&hex("02 10 00 02 04030201 0300 1400 1700 0000 0900 0100 0100 0300")).is_err(), "not ascending");
    assert!(decode(&hex("02 10 00 01 04030201 0300 1400 1700 0000 0900 0000")).is_err(), "an empty range");
    assert!(decode(&hex("02 10 00 21 04030201 0300 1400 1700 0000")).is_err(), "33 ranges");
}

#[test]
fn ranges_grow_join_and_end() {
    let mut ranges = Ranges::default();
    for index in 0..MAX_RANGES as u16 {
        assert!(ranges.push(index * 3) && ranges.push(index * 3 + 1));
    }
    assert!(!ranges.push(1_000), "no room");
    assert_eq!((ranges.len(), ranges.indices().count()), (MAX_RANGES, 2 * MAX_RANGES));
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..5_u8) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if let Ok(Datagram::Progress(progress)) = decode(&bytes) {
            prop_assert!(progress.missing.indices().count() <= usize::from(u16::MAX));
        }
        let _ = decode_result_head(&bytes);
    }

    /// Whatever is cut is accepted by the other end, covers the object, and wastes less than a shard's padding.
    #[test]
    fn a_cut_covers_its_object(object in 1..5_000_000_usize, most in 1_000..1_500_usize, repair in 0..64_u16) {
        let Some(layout) = ShardLayout::cut(object, most, repair) else {
            prop_assert!(object > usize::from(MAX_DATA_SHARDS) * (most - 1));
            return Ok(());
        };
        prop_assert!(layout.shard_bytes() <= most);
        let again = ShardLayout::new(layout.object_bytes(), layout.data_shards(), layout.total_shards());
        prop_assert_eq!(again, Ok(layout));
        let carried: usize = (0..layout.data_shards()).map(|index| layout.carried_bytes(index)).sum();
        prop_assert_eq!(carried, object);
        prop_assert!(layout.carried_bytes(layout.data_shards() - 1) > 0);
    }
}
