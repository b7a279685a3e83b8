use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use proptest::prelude::*;
use rt_core::detections::{Detection, Detections, MAX_DETECTIONS};

use super::control::{ControlMessage, decode, message_length};
use super::frame::{FrameHeader, HEADER_BYTES, MAX_BUDGET_US, header_length};
use super::menu::{CloudMenu, ModelEntry};
use super::result::{CloudTimes, FrameResult, MAX_RESULT_BYTES, Status, TrainRate};
use super::*;

const UUID: &str = "car/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn header() -> FrameHeader {
    FrameHeader {
        service: 3,
        seq: 0x0102_0304_0506_0708,
        budget: Duration::from_micros(180_000),
        model: 1,
        payload: Payload::Input(Coding::Jpeg(75)),
        width: 512,
        height: 384,
        frame_width: 1280,
        frame_height: 720,
        payload_bytes: 30_000,
    }
}

fn result() -> FrameResult {
    let mut detections = Detections::new();
    detections.push(Detection { x_min: 1.0, y_min: 2.0, x_max: 3.0, y_max: 4.0, score: 0.5, class: 7 }).unwrap();
    FrameResult {
        seq: 42,
        status: Status::Ok,
        times: CloudTimes {
            receive: Duration::from_micros(1),
            queue: Duration::from_micros(2),
            prepare: Duration::from_micros(3),
            inference: Duration::from_micros(4),
            finish: Duration::from_micros(5),
        },
        train: TrainRate { bytes: 30_000, bytes_per_s: 1_250_000 },
        detections,
    }
}

fn menu() -> CloudMenu {
    CloudMenu {
        models: vec![ModelEntry {
            name: "edd2".into(),
            input_width: 768,
            input_height: 512,
            classes: vec!["car".into(), "sign".into()],
            p50_us: 20_000,
            p95_us: 31_000,
            workers: 2,
        }],
    }
}

const GOLDEN_HEADER: &str = "2200 0300 0807060504030201 20bf0200 0100 02 01 4b 00 0002 8001 0005 d002 30750000";
const GOLDEN_RESULT: &str = "2c00 00 01 2a00000000000000 01000000 02000000 03000000 04000000 05000000 30750000 d012130000000000 \
     0000803f 00000040 00004040 00008040 0000003f 07 000000";
const GOLDEN_HELLO: &str = "3c000000 01 0100 30 \
     6361722f6e6f7274682d312f38663134653435662d636565612d343637662d613866352d336339643762316132653031 \
     0807060504030201";
const GOLDEN_ACCEPTED: &str =
    "21000000 02 0100 04 65646432 0003 0002 204e0000 18790000 0200 0200 03 636172 04 7369676e";
const GOLDEN_REFUSED: &str = "06000000 03 04 66756c6c";
const GOLDEN_PING: &str = "01000000 05";

#[test]
fn golden_bytes_of_every_message_in_both_directions() {
    assert_eq!(header().encode().as_slice(), bytes(GOLDEN_HEADER));
    assert_eq!(FrameHeader::decode(&bytes(GOLDEN_HEADER)), Ok(header()));
    assert_eq!(result().encode(), bytes(GOLDEN_RESULT));
    assert_eq!(FrameResult::decode(&bytes(GOLDEN_RESULT)), Ok(result()));
    let messages = [
        (
            ControlMessage::Hello { version: 1, identity: UUID.parse().unwrap(), process: 0x0102_0304_0506_0708 },
            GOLDEN_HELLO,
        ),
        (ControlMessage::Accepted { menu: menu() }, GOLDEN_ACCEPTED),
        (ControlMessage::Refused { reason: "full".into() }, GOLDEN_REFUSED),
        (ControlMessage::Ping, GOLDEN_PING),
    ];
    for (message, golden) in messages {
        let golden = bytes(golden);
        assert_eq!(message.encode(), golden, "{message:?}");
        let (prefix, body) = golden.split_first_chunk::<4>().unwrap();
        assert_eq!(message_length(*prefix), Ok(body.len()));
        assert_eq!(decode(body), Ok(message));
    }
}

#[test]
fn a_longer_header_of_a_later_version_is_understood() {
    let mut longer = bytes(GOLDEN_HEADER);
    longer[0] += 4;
    longer.extend([9, 9, 9, 9]);
    assert_eq!(FrameHeader::decode(&longer), Ok(header()));
    assert_eq!(header_length([longer[0], longer[1]]), Ok(HEADER_BYTES + 4));
    let mut longer = bytes(GOLDEN_RESULT);
    longer[0] += 2;
    longer.splice(44..44, [9, 9]);
    assert_eq!(FrameResult::decode(&longer), Ok(result()));
}

#[test]
fn each_lie_in_a_header_is_named() {
    for (offset, value, what) in [
        (0, vec![0x21, 0x00], "header length"),
        (0, vec![0x01, 0x01], "header length"),
        (12, vec![0xff, 0xff, 0xff, 0xff], "budget"),
        (18, vec![9], "payload kind"),
        (19, vec![9], "image coding"),
        (20, vec![0], "quality"),
        (20, vec![101], "quality"),
        (22, vec![0, 0], "payload width"),
        (24, vec![0x01, 0x40], "payload height"),
        (26, vec![0, 0], "frame width"),
        (28, vec![0, 0], "frame height"),
        (30, vec![0, 0, 0, 0], "payload length"),
        (30, vec![0xff, 0xff, 0xff, 0xff], "payload length"),
    ] {
        let mut lie = bytes(GOLDEN_HEADER);
        lie.splice(offset..offset + value.len(), value);
        let error = FrameHeader::decode(&lie).unwrap_err();
        assert!(error.to_string().contains(what), "{error} does not name {what}");
    }
    let raw = FrameHeader { payload: Payload::RawInput, payload_bytes: 512 * 384 * 3, ..header() };
    assert_eq!(FrameHeader::decode(&raw.encode()), Ok(raw));
    let lie = FrameHeader { payload_bytes: 512 * 384 * 3 - 1, ..raw };
    assert!(FrameHeader::decode(&lie.encode()).is_err());
}

#[test]
fn each_lie_in_a_result_is_named() {
    for (offset, value, what) in [
        (2, vec![9], "status"),
        (3, vec![65], "detections"),
        (3, vec![2], "result"),
        (3, vec![0], "left"),
        (44, vec![0, 0, 0x80, 0x7f], "finite"),
        (60, vec![0, 0, 0xc0, 0x7f], "finite"),
    ] {
        let mut lie = bytes(GOLDEN_RESULT);
        lie.splice(offset..offset + value.len(), value);
        let error = FrameResult::decode(&lie).unwrap_err();
        assert!(error.to_string().contains(what), "{error} does not name {what}");
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

fn any_header() -> impl Strategy<Value = FrameHeader> {
    let coding = || prop_oneof![(1..=100_u8).prop_map(Coding::Jpeg), Just(Coding::Png)];
    let image = prop_oneof![coding().prop_map(Payload::Frame), coding().prop_map(Payload::Input)];
    let side = || 1..=MAX_SIDE;
    (any::<(u16, u64, u16)>(), 0..=MAX_BUDGET_US, image, (side(), side(), side(), side()), 1..=MAX_FRAME_BYTES)
        .prop_map(
            |((service, seq, model), budget, payload, (width, height, frame_width, frame_height), payload_bytes)| {
                FrameHeader {
                    service,
                    seq,
                    budget: Duration::from_micros(u64::from(budget)),
                    model,
                    payload,
                    width,
                    height,
                    frame_width,
                    frame_height,
                    payload_bytes,
                }
            },
        )
}

prop_compose! {
    fn any_box()(at in any::<[i16; 4]>(), score in 0.0..1.0_f32, class: u8) -> Detection {
        let [x_min, y_min, x_max, y_max] = at.map(f32::from);
        Detection { x_min, y_min, x_max, y_max, score, class }
    }
}

fn any_result() -> impl Strategy<Value = FrameResult> {
    let status = prop_oneof![
        Just(Status::Ok),
        Just(Status::Expired),
        Just(Status::Superseded),
        Just(Status::Overload),
        Just(Status::Error)
    ];
    (any::<u64>(), status, any::<[u32; 5]>(), any::<(u32, u64)>(), prop::collection::vec(any_box(), 0..=MAX_DETECTIONS))
        .prop_map(|(seq, status, times, (bytes, bytes_per_s), boxes)| {
            let [receive, queue, prepare, inference, finish] = times.map(|us| Duration::from_micros(u64::from(us)));
            FrameResult {
                seq,
                status,
                times: CloudTimes { receive, queue, prepare, inference, finish },
                train: TrainRate { bytes, bytes_per_s },
                detections: boxes.into_iter().collect(),
            }
        })
}

fn any_menu() -> impl Strategy<Value = CloudMenu> {
    let model =
        (".{0,60}", 1..=MAX_SIDE, 1..=MAX_SIDE, any::<(u32, u32, u16)>(), prop::collection::vec(".{0,20}", 0..20))
            .prop_map(|(name, input_width, input_height, (p50_us, p95_us, workers), classes)| ModelEntry {
                name,
                input_width,
                input_height,
                classes,
                p50_us,
                p95_us,
                workers,
            });
    prop::collection::vec(model, 0..8).prop_map(|models| CloudMenu { models })
}

proptest! {
    #[test]
    fn headers_survive_the_wire(header in any_header()) {
        prop_assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn results_survive_the_wire(result in any_result()) {
        let bytes = result.encode();
        prop_assert!(bytes.len() <= MAX_RESULT_BYTES);
        prop_assert_eq!(FrameResult::decode(&bytes), Ok(result));
    }

    #[test]
    fn menus_survive_the_wire(menu in any_menu()) {
        let message = ControlMessage::Menu { menu };
        prop_assert_eq!(decode(&message.encode()[4..]), Ok(message));
    }

    #[test]
    fn no_bytes_harm_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = (FrameHeader::decode(&bytes), FrameResult::decode(&bytes), decode(&bytes));
        if let Some(prefix) = bytes.first_chunk() { let _ = message_length(*prefix); }
        if let Some(prefix) = bytes.first_chunk() { let _ = header_length(*prefix); }
    }

    /// Nearly right bytes reach deeper than random ones.
    #[test]
    fn no_corruption_harms_a_decoder(at in 0..400_usize, value: u8, cut in 0..400_usize, result in any_result(), menu in any_menu()) {
        let corrupt = |mut bytes: Vec<u8>| {
            if let Some(byte) = bytes.get_mut(at) { *byte = value; }
            bytes.truncate(cut.max(1));
            bytes
        };
        let _ = FrameHeader::decode(&corrupt(header().encode().to_vec()));
        let _ = FrameResult::decode(&corrupt(result.encode()));
        let _ = decode(&corrupt(ControlMessage::Menu { menu }.encode()[4..].to_vec()));
    }

    #[test]
    fn a_cut_message_is_never_taken_for_whole(cut in 0..68_usize) {
        let whole = bytes(GOLDEN_RESULT);
        prop_assume!(cut < whole.len());
        prop_assert!(FrameResult::decode(&whole[..cut]).is_err());
        prop_assert!(FrameHeader::decode(&bytes(GOLDEN_HEADER)[..cut.min(HEADER_BYTES - 1)]).is_err());
    }
}
