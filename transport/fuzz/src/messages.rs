//! Decoders: what they accept is within the limits, and is the same message when it is written and read again.

use std::time::Duration;

use transport::link::Trace;
use transport::wire::control::{ControlBuffer, ControlMessage, decode, message_length};
use transport::wire::datagram::{self, Datagram, MAX_MESSAGE_BYTES, MAX_OBJECT_BYTES, Message, Progress};
use transport::wire::frame::{FrameHeader, MAX_BUDGET_US, MAX_HEADER_BYTES, header_length};
use transport::wire::identity::Identity;
use transport::wire::menu::CloudMenu;
use transport::wire::result::{FrameResult, MAX_RESULT_BYTES};
use transport::wire::{MAX_CLASSES, MAX_CONTROL_BYTES, MAX_FRAME_BYTES, MAX_MODELS, MAX_SIDE};

pub fn frame_header(bytes: &[u8]) {
    if let Some(prefix) = bytes.first_chunk() {
        assert!(
            header_length(*prefix).is_ok_and(|length| length <= MAX_HEADER_BYTES) || header_length(*prefix).is_err()
        );
    }
    let Ok(header) = FrameHeader::decode(bytes) else { return };
    assert!((1..=MAX_FRAME_BYTES).contains(&header.payload_bytes));
    assert!(header.budget <= Duration::from_micros(u64::from(MAX_BUDGET_US)));
    for side in [header.width, header.height, header.frame_width, header.frame_height] {
        assert!((1..=MAX_SIDE).contains(&side));
    }
    assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
}

pub fn result(bytes: &[u8]) {
    let Ok(result) = FrameResult::decode(bytes) else { return };
    assert!(bytes.len() <= MAX_RESULT_BYTES, "what a car would not read is not a result");
    assert_eq!(FrameResult::decode(&result.encode()), Ok(result));
}

fn check_menu(menu: &CloudMenu) {
    assert!(menu.models.len() <= MAX_MODELS);
    for model in &menu.models {
        assert!(model.classes.len() <= MAX_CLASSES);
        assert!(menu.index_of(&model.name).is_some());
    }
}

fn check(message: &ControlMessage) {
    match message {
        ControlMessage::Accepted { menu } | ControlMessage::Menu { menu } => check_menu(menu),
        ControlMessage::Hello { identity, .. } => assert!(!identity.name().is_empty()),
        ControlMessage::Refused { .. } | ControlMessage::Ping => {}
    }
    let written = message.encode();
    let (prefix, body) = written.split_first_chunk::<4>().expect("a length");
    assert_eq!(message_length(*prefix), Ok(body.len()));
    assert_eq!(decode(body).as_ref(), Ok(message));
}

pub fn control(bytes: &[u8]) {
    if let Ok(message) = decode(bytes) {
        check(&message);
    }
}

/// The first byte says in how large pieces the rest comes; the pieces must not matter.
pub fn control_stream(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let read = |size: usize| {
        let mut buffer = ControlBuffer::default();
        let mut messages = vec![];
        for piece in bytes.chunks(size) {
            buffer.push(piece);
            loop {
                match buffer.next_message() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Err(error)),
                }
            }
            assert!(buffer.len() < 4 + MAX_CONTROL_BYTES);
        }
        (messages, Ok(buffer.len()))
    };
    let whole = read(bytes.len().max(1));
    whole.0.iter().for_each(check);
    assert_eq!(read(usize::from(*size).max(1)), whole);
}

/// A menu as the control message that bears it.
pub fn menu(bytes: &[u8]) {
    control(&[&[4], bytes].concat());
}

pub fn identity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(identity) = text.parse::<Identity>() else { return };
    assert_eq!(identity.as_str(), text);
    assert!((1..=64).contains(&identity.name().len()));
    assert!(text.is_ascii() && text.len() <= 4 + 64 + 1 + 36, "{text:?}");
}

pub fn link_trace(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(trace) = Trace::parse(text, "fuzzed") else { return };
    assert!(trace.period() > Duration::ZERO && trace.mean_bps().is_finite() && trace.mean_bps() > 0.0);
    let (mut last, period) = (0, trace.period());
    for part in 0..=8 {
        let bits = trace.bits_by(period * part / 4);
        assert!(bits >= last, "a link takes nothing back");
        last = bits;
    }
    let whole = trace.bits_by(period);
    if let Some(at) = trace.instant_of_bit(whole) {
        assert!(trace.bits_by(at) <= whole + 1);
    }
    assert!(trace.capacity_bps(period / 3, period).is_finite());
    if let Ok(doubled) = trace.scaled(2.0) {
        assert!((doubled.mean_bps() / trace.mean_bps() - 2.0).abs() < 0.01);
    }
}

/// The longest report there may be, so that what follows from its length is bounded too.
fn check_report(report: &Progress) {
    assert!(report.missing.indices().is_sorted_by(|a, b| a < b));
    assert!(report.missing.indices().count() <= usize::from(u16::MAX));
    let written = report.encode();
    assert!(written.as_ref().len() <= MAX_MESSAGE_BYTES);
    assert_eq!(datagram::decode(written.as_ref()), Ok(Datagram::Progress(report.clone())));
}

/// One datagram, and the same bytes as the stream of a result whose frame came in datagrams.
pub fn datagram(bytes: &[u8]) {
    if let Ok((frame, rest)) = datagram::decode_result_head(bytes) {
        assert!(rest.len() < bytes.len());
        let written = [datagram::encode_result_head(frame).as_slice(), rest].concat();
        assert_eq!(datagram::decode_result_head(&written), Ok((frame, rest)));
    }
    match datagram::decode(bytes) {
        Ok(Datagram::Shard(header, body)) => {
            let layout = header.layout;
            assert!(layout.object_bytes() <= MAX_OBJECT_BYTES && header.index < layout.total_shards());
            assert_eq!(body.len(), layout.carried_bytes(header.index));
            assert!(!body.is_empty() && body.len() <= layout.shard_bytes());
            let written = [header.encode().as_slice(), body].concat();
            assert_eq!(datagram::decode(&written), Ok(Datagram::Shard(header, body)));
        }
        Ok(Datagram::Progress(report)) => check_report(&report),
        Ok(Datagram::Abandon(frame)) => {
            assert_eq!(datagram::decode(Message::abandon(frame).as_ref()), Ok(Datagram::Abandon(frame)));
        }
        Err(_) => {}
    }
}
