//! Any message there may be, for properties and for the decoder in Python.

use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use proptest::prelude::*;
use rt_core::detections::{Detection, MAX_DETECTIONS};
use transport::wire::control::ControlMessage;
use transport::wire::datagram::{Message, Progress, Ranges, Reception, ShardHeader, encode_result_head};
use transport::wire::frame::{FrameFlags, FrameHeader, MAX_BUDGET_US};
use transport::wire::layout::ShardLayout;
use transport::wire::menu::{CloudMenu, ModelEntry};
use transport::wire::result::{CloudTimes, FrameResult, Stamps, Status, TrainRate};
use transport::wire::{MAX_FRAME_BYTES, MAX_SIDE};

prop_compose! {
    pub fn any_header()(
        (service, seq, model, sent_ns) in any::<(u16, u64, u16, u64)>(),
        (follows, probe) in any::<(bool, bool)>(),
        budget_us in 0..=MAX_BUDGET_US,
        payload in any_payload(),
        [width, height, frame_width, frame_height] in [1..=MAX_SIDE, 1..=MAX_SIDE, 1..=MAX_SIDE, 1..=MAX_SIDE],
        payload_bytes in 1..=MAX_FRAME_BYTES,
    ) -> FrameHeader {
        let raw = payload == Payload::RawInput;
        // A raw input is as long as its sides say, and small enough to be one.
        let (width, height) = if raw { (width.min(4_000), height.min(4_000)) } else { (width, height) };
        let payload_bytes = if raw { 3 * u32::from(width) * u32::from(height) } else { payload_bytes };
        let budget = Duration::from_micros(u64::from(budget_us));
        FrameHeader {
            service, seq, budget, model, payload, width, height, frame_width, frame_height, payload_bytes, sent_ns,
            flags: FrameFlags { follows, probe },
        }
    }
}

fn any_payload() -> impl Strategy<Value = Payload> {
    let coding = || prop_oneof![(1..=100_u8).prop_map(Coding::Jpeg), Just(Coding::Png)];
    prop_oneof![coding().prop_map(Payload::Frame), coding().prop_map(Payload::Input), Just(Payload::RawInput)]
}

prop_compose! {
    fn any_box()(at in any::<[i16; 4]>(), score in 0.0..1.0_f32, class: u8) -> Detection {
        let [x_min, y_min, x_max, y_max] = at.map(f32::from);
        Detection { x_min, y_min, x_max, y_max, score, class }
    }
}

pub fn any_result() -> impl Strategy<Value = FrameResult> {
    let status = prop_oneof![
        Just(Status::Ok),
        Just(Status::Expired),
        Just(Status::Superseded),
        Just(Status::Overload),
        Just(Status::Error)
    ];
    (
        any::<(u64, [u64; 4])>(),
        status,
        any::<[u32; 5]>(),
        any::<(u32, u64)>(),
        prop::collection::vec(any_box(), 0..=MAX_DETECTIONS),
    )
        .prop_map(|((seq, stamps), status, times, (bytes, bytes_per_s), boxes)| {
            let [receive, queue, prepare, inference, finish] = times.map(|us| Duration::from_micros(u64::from(us)));
            let [car_sent_ns, header_received_ns, last_received_ns, result_sent_ns] = stamps;
            FrameResult {
                seq,
                status,
                times: CloudTimes { receive, queue, prepare, inference, finish },
                train: TrainRate { bytes, bytes_per_s },
                stamps: Stamps { car_sent_ns, header_received_ns, last_received_ns, result_sent_ns },
                detections: boxes.into_iter().collect(),
            }
        })
}

pub fn any_menu() -> impl Strategy<Value = CloudMenu> {
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

pub fn any_control() -> impl Strategy<Value = ControlMessage> {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9A-F]{4}-[0-9a-f]{12}";
    let hello =
        (any::<u16>(), "[A-Za-z0-9._-]{1,64}", uuid, any::<u64>()).prop_map(|(version, name, uuid, process)| {
            ControlMessage::Hello {
                version,
                process,
                identity: format!("car/{name}/{uuid}").parse().expect("made to be one"),
            }
        });
    prop_oneof![
        hello,
        Just(ControlMessage::Ping),
        any_menu().prop_map(|menu| ControlMessage::Accepted { menu }),
        any_menu().prop_map(|menu| ControlMessage::Menu { menu }),
        ".{0,60}".prop_map(|reason| ControlMessage::Refused { reason }),
    ]
}

prop_compose! {
    /// A shard and its bytes.
    pub fn any_shard()(
        (frame, byte) in any::<(u32, u8)>(),
        budget_us in 0..=MAX_BUDGET_US,
        (object, most, repair) in (1..40_000_usize, 512..1_500_usize, 0..40_u16),
        at in any::<prop::sample::Index>(),
    ) -> (ShardHeader, Vec<u8>) {
        let layout = ShardLayout::cut(object, most, repair).expect("within the limits");
        let index = at.index(usize::from(layout.total_shards())) as u16;
        let budget = Duration::from_micros(u64::from(budget_us));
        (ShardHeader { frame, index, layout, budget }, vec![byte; layout.carried_bytes(index)])
    }
}

prop_compose! {
    pub fn any_progress()(
        (frame, needed, received, highest) in any::<(u32, u16, u16, u16)>(),
        state in prop_oneof![
            Just(Reception::Partial),
            Just(Reception::Whole),
            Just(Reception::Expired),
            Just(Reception::Overload),
            Just(Reception::Error)
        ],
        indices in prop::collection::btree_set(0..u16::MAX, 0..60),
    ) -> Progress {
        let mut missing = Ranges::default();
        indices.into_iter().take_while(|index| missing.push(*index)).for_each(drop);
        Progress { frame, state, needed, received, highest, missing }
    }
}

fn any_datagram() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any_shard().prop_map(|(header, body)| [header.encode().to_vec(), body].concat()),
        any_progress().prop_map(|report| report.encode().as_ref().to_vec()),
        any::<u32>().prop_map(|frame| Message::abandon(frame).as_ref().to_vec()),
    ]
}

/// A message's bytes with something done to them: nothing, cut, longer, a byte or a number changed, or a longer header.
pub fn any_bytes() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let written = prop_oneof![
        any_header().prop_map(|header| ("frame", header.encode().to_vec())),
        any_result().prop_map(|result| ("result", result.encode())),
        any_control().prop_map(|message| ("control", message.encode())),
        any_datagram().prop_map(|bytes| ("datagram", bytes)),
        (any::<u32>(), any_result())
            .prop_map(|(frame, result)| ("result-stream", [&encode_result_head(frame)[..], &result.encode()].concat())),
    ];
    (written, 0..7_u8, any::<prop::sample::Index>(), any::<[u8; 4]>()).prop_map(
        |((kind, mut bytes), change, at, put)| {
            let at = at.index(bytes.len());
            match change {
                0 | 1 => {}
                2 => bytes.truncate(at),
                3 => bytes.extend(put),
                4 => bytes.iter_mut().skip(at).zip(put).take(1).for_each(|(byte, put)| *byte = put),
                // Where every field is, and with the values that limits are near to.
                5 => bytes
                    .iter_mut()
                    .skip(at % 44)
                    .zip(put)
                    .for_each(|(byte, put)| *byte = if put < 64 { 0xff } else { put / 96 }),
                _ if kind == "control" => bytes.extend(put),
                _ => {
                    let at = usize::from(kind == "datagram");
                    let header = usize::from(bytes[at]);
                    bytes[at] += put[0] % if header < 64 { 70 } else { 180 };
                    let more = usize::from(bytes[at]) - header;
                    bytes.splice(header..header, std::iter::repeat_n(put[1], more));
                }
            }
            (kind, bytes)
        },
    )
}
