use super::control::{ControlMessage, decode};
use super::frame::{HEADER_BYTES, MAX_HEADER_BYTES, header_length};
use super::*;

// Golden vectors, properties and the decoder in Python are in `transport/tests/wire`.

#[test]
fn a_headers_length_is_bounded() {
    let length = |bytes: usize| header_length(u16::try_from(bytes).unwrap().to_le_bytes());
    for fine in [HEADER_BYTES, HEADER_BYTES + 4, MAX_HEADER_BYTES] {
        assert_eq!(length(fine), Ok(fine));
    }
    for wrong in [0, HEADER_BYTES - 1, MAX_HEADER_BYTES + 1, 65_535] {
        assert!(length(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn names_longer_than_their_length_byte_are_cut_at_a_character() {
    let reason = "ü".repeat(200);
    let encoded = ControlMessage::Refused { reason }.encode();
    assert_eq!(decode(&encoded[4..]), Ok(ControlMessage::Refused { reason: "ü".repeat(127) }));
}

#[test]
fn identities_are_checked() {
    for wrong in [
        "",
        "car",
        "car/north-1",
        "worker/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01",
        "car//8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01",
        "car/a b/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01",
        "car/a/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e0",
        "car/a/8f14e45fcceea-467f-a8f5-3c9d7b1a2e01",
        "car/a/gf14e45f-ceea-467f-a8f5-3c9d7b1a2e01",
        "car/a/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01/more",
    ] {
        assert!(wrong.parse::<identity::Identity>().is_err(), "{wrong:?}");
    }
}
