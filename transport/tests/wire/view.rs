//! Messages as JSON, in the shape that the decoder in Python prints and the golden vectors have.

use allocation::model_config::{Coding, Payload};
use serde_json::{Value, json};
use transport::wire::WireError;
use transport::wire::control::{ControlMessage, decode, message_length};
use transport::wire::datagram::{self, Datagram, Message, Progress, Reception, ShardHeader};
use transport::wire::frame::FrameHeader;
use transport::wire::menu::CloudMenu;
use transport::wire::result::{FrameResult, Status};

/// What the bytes are, and the bytes that the same message would be written as.
pub type Decoded = Result<(Value, Vec<u8>), String>;

/// Decodes as `kind`, the word that the Python side knows it by.
pub fn decode_as(kind: &str, bytes: &[u8]) -> Decoded {
    let text = |error: WireError| error.to_string();
    match kind {
        "frame" => FrameHeader::decode(bytes).map(|header| (frame(&header), header.encode().to_vec())).map_err(text),
        "result" => FrameResult::decode(bytes).map(|found| (result(&found), found.encode())).map_err(text),
        "control" => {
            let (prefix, body) = bytes.split_first_chunk::<4>().ok_or("no length")?;
            let length = message_length(*prefix).map_err(text)?;
            if body.len() != length {
                return Err(format!("{} bytes of a message of {length}", body.len()));
            }
            decode(body).map(|message| (control(&message), message.encode())).map_err(text)
        }
        "datagram" => match datagram::decode(bytes).map_err(text)? {
            Datagram::Shard(header, body) => Ok((shard(&header, body), [header.encode().as_slice(), body].concat())),
            Datagram::Progress(report) => Ok((progress(&report), report.encode().as_ref().to_vec())),
            Datagram::Abandon(frame) => {
                let message = json!({ "type": "abandon", "frame": frame });
                Ok((message, Message::abandon(frame).as_ref().to_vec()))
            }
        },
        "result-stream" => {
            let (frame, bytes) = datagram::decode_result_head(bytes).map_err(text)?;
            let found = FrameResult::decode(bytes).map_err(text)?;
            let written = [datagram::encode_result_head(frame).as_slice(), &found.encode()].concat();
            Ok((json!({ "frame": frame, "result": result(&found) }), written))
        }
        other => panic!("{other} is no kind of message"),
    }
}

fn frame(header: &FrameHeader) -> Value {
    let coding = |coding| match coding {
        Coding::Jpeg(quality) => (1, quality),
        Coding::Png => (2, 0),
    };
    let (kind, (coding, quality)) = match header.payload {
        Payload::RawInput => (0, (0, 0)),
        Payload::Frame(image) => (1, coding(image)),
        Payload::Input(image) => (2, coding(image)),
    };
    json!({
        "service": header.service, "seq": header.seq, "budget_us": header.budget.as_micros() as u64,
        "model": header.model, "kind": kind, "coding": coding, "quality": quality,
        "width": header.width, "height": header.height,
        "frame_width": header.frame_width, "frame_height": header.frame_height,
        "payload_len": header.payload_bytes, "sent_ns": header.sent_ns,
        "follows": header.flags.follows, "probe": header.flags.probe,
    })
}

fn result(result: &FrameResult) -> Value {
    let status = match result.status {
        Status::Ok => "ok",
        Status::Expired => "expired",
        Status::Superseded => "superseded",
        Status::Overload => "overload",
        Status::Error => "error",
    };
    let us = |time: std::time::Duration| time.as_micros() as u64;
    let (times, stamps) = (&result.times, &result.stamps);
    let boxes: Vec<Value> = result
        .detections
        .iter()
        .map(|found| {
            json!({
                "x_min": found.x_min, "y_min": found.y_min, "x_max": found.x_max, "y_max": found.y_max,
                "score": found.score, "class": found.class,
            })
        })
        .collect();
    json!({
        "status": status, "seq": result.seq,
        "receive_us": us(times.receive), "queue_us": us(times.queue), "prepare_us": us(times.prepare),
        "inference_us": us(times.inference), "finish_us": us(times.finish),
        "train_bytes": result.train.bytes, "train_bytes_per_s": result.train.bytes_per_s,
        "car_sent_ns": stamps.car_sent_ns, "header_received_ns": stamps.header_received_ns,
        "last_received_ns": stamps.last_received_ns, "result_sent_ns": stamps.result_sent_ns,
        "boxes": boxes,
    })
}

fn control(message: &ControlMessage) -> Value {
    match message {
        ControlMessage::Hello { version, identity, process } => {
            json!({ "type": "hello", "version": version, "identity": identity.as_str(), "process": process })
        }
        ControlMessage::Accepted { menu } => json!({ "type": "accepted", "models": models(menu) }),
        ControlMessage::Refused { reason } => json!({ "type": "refused", "reason": reason }),
        ControlMessage::Ping => json!({ "type": "ping" }),
        ControlMessage::Menu { menu } => json!({ "type": "menu", "models": models(menu) }),
    }
}

fn shard(header: &ShardHeader, body: &[u8]) -> Value {
    json!({
        "type": "shard", "index": header.index, "frame": header.frame,
        "data_shards": header.layout.data_shards(), "total_shards": header.layout.total_shards(),
        "object_bytes": header.layout.object_bytes(), "budget_us": header.budget.as_micros() as u64,
        "body": to_hex(body),
    })
}

fn progress(report: &Progress) -> Value {
    let state = match report.state {
        Reception::Partial => "partial",
        Reception::Whole => "whole",
        Reception::Expired => "expired",
        Reception::Overload => "overload",
        Reception::Error => "error",
    };
    json!({
        "type": "progress", "state": state, "frame": report.frame,
        "needed": report.needed, "received": report.received, "highest": report.highest,
        "missing": report.missing.iter().collect::<Vec<_>>(),
    })
}

fn models(menu: &CloudMenu) -> Vec<Value> {
    let model = |model: &transport::wire::menu::ModelEntry| {
        json!({
            "name": model.name, "input_width": model.input_width, "input_height": model.input_height,
            "p50_us": model.p50_us, "p95_us": model.p95_us, "workers": model.workers, "classes": model.classes,
        })
    };
    menu.models.iter().map(model).collect()
}

/// Bytes from hexadecimal digits, whatever stands between them.
pub fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("digits");
    digits.chunks(2).map(byte).collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
