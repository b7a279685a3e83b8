//! The answer to a frame, on the same stream: status, what each stage in the cloud took, the receiver's view of the
//! link, and the boxes.

use std::time::Duration;

use rt_core::detections::{Detection, Detections, MAX_DETECTIONS};
use zerocopy::byteorder::little_endian::{F32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{WireError, in_range};

/// Bytes before the boxes in this version.
pub const RESULT_HEADER_BYTES: usize = size_of::<RawResult>();
/// Bytes of one box.
pub const BOX_BYTES: usize = size_of::<RawBox>();
/// The largest result, bytes, with room for a longer header of a later version.
pub const MAX_RESULT_BYTES: usize = 256 + MAX_DETECTIONS * BOX_BYTES;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawResult {
    header_len: U16,
    status: u8,
    detections: u8,
    seq: U64,
    receive_us: U32,
    queue_us: U32,
    prepare_us: U32,
    inference_us: U32,
    finish_us: U32,
    train_bytes: U32,
    train_bytes_per_s: U64,
    car_sent_ns: U64,
    header_received_ns: U64,
    last_received_ns: U64,
    result_sent_ns: U64,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawBox {
    x_min: F32,
    y_min: F32,
    x_max: F32,
    y_max: F32,
    score: F32,
    class: u8,
    reserved: [u8; 3],
}

/// What became of a frame in the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Detected; the boxes are the answer.
    Ok,
    /// It could no longer make its deadline.
    Expired,
    /// A newer frame of the same service took its place in the queue.
    Superseded,
    /// The car holds more than its share of the cloud's memory or streams.
    Overload,
    /// It could not be decoded, the model is unknown, or its worker died.
    Error,
}

/// How long the cloud's stages took; all zero for what was not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloudTimes {
    /// From the first byte received to the last.
    pub receive: Duration,
    /// Waiting for a worker.
    pub queue: Duration,
    /// Image decoding, resizing, normalisation.
    pub prepare: Duration,
    /// The model.
    pub inference: Duration,
    /// Boxes from raw outputs.
    pub finish: Duration,
}

impl CloudTimes {
    /// Everything the cloud measured.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.receive + self.queue + self.prepare + self.inference + self.finish
    }
}

/// The arrival of a frame seen as a packet train: its rate is the bottleneck's, whatever the sender's average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainRate {
    /// Bytes that the rate was measured over; zero where the frame was too short to tell.
    pub bytes: u32,
    /// Bytes per second.
    pub bytes_per_s: u64,
}

/// Four instants of a frame's journey. The first is the car's, the others are the cloud's, each on its own side's
/// monotonic clock whose zero means nothing: only differences of instants of one side do, and how differences between
/// the sides change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// The frame header's [`sent_ns`](super::frame::FrameHeader::sent_ns), as it came.
    pub car_sent_ns: u64,
    /// When the first bytes of the frame header came.
    pub header_received_ns: u64,
    /// When the newest byte of the frame came; its last, where it came whole.
    pub last_received_ns: u64,
    /// When this result was written.
    pub result_sent_ns: u64,
}

/// A whole result.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameResult {
    /// The frame's number within its service.
    pub seq: u64,
    /// What became of it.
    pub status: Status,
    /// The cloud's timings.
    pub times: CloudTimes,
    /// The receiver's view of the link.
    pub train: TrainRate,
    /// When what happened; as the peer claims, which need not make sense.
    pub stamps: Stamps,
    /// Boxes in pixels of the camera frame.
    pub detections: Detections,
}

impl Status {
    /// Every outcome, in the order of declaration.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Expired, Self::Superseded, Self::Overload, Self::Error];

    const fn to_wire(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Expired => 1,
            Self::Superseded => 2,
            Self::Overload => 3,
            Self::Error => 4,
        }
    }

    fn from_wire(value: u8) -> Result<Self, WireError> {
        match value {
            0 => Ok(Self::Ok),
            1 => Ok(Self::Expired),
            2 => Ok(Self::Superseded),
            3 => Ok(Self::Overload),
            4 => Ok(Self::Error),
            other => Err(WireError::Unknown { what: "result status", value: u64::from(other) }),
        }
    }
}

fn micros(duration: Duration) -> U32 {
    U32::new(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX))
}

fn duration(micros: U32) -> Duration {
    Duration::from_micros(u64::from(micros.get()))
}

/// How many bytes a whole result has, from its first four: where results follow one another on a stream, the next one
/// begins there.
///
/// # Errors
/// A header's length or a number of boxes that no result has.
pub fn result_length(prefix: [u8; 4]) -> Result<usize, WireError> {
    let [low, high, _, count] = prefix;
    let header = usize::from(u16::from_le_bytes([low, high]));
    in_range("result header length", header as u64, RESULT_HEADER_BYTES as u64, 256)?;
    in_range("number of detections", u64::from(count), 0, MAX_DETECTIONS as u64)?;
    Ok(header + usize::from(count) * BOX_BYTES)
}

impl FrameResult {
    /// An answer without boxes, timings or stamps.
    #[must_use]
    pub fn refusal(seq: u64, status: Status) -> Self {
        Self {
            seq,
            status,
            times: CloudTimes::default(),
            train: TrainRate::default(),
            stamps: Stamps::default(),
            detections: Detections::new(),
        }
    }

    /// The result's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let raw = RawResult {
            header_len: U16::new(u16::try_from(RESULT_HEADER_BYTES).unwrap_or(0)),
            status: self.status.to_wire(),
            detections: u8::try_from(self.detections.len()).unwrap_or(0),
            seq: U64::new(self.seq),
            receive_us: micros(self.times.receive),
            queue_us: micros(self.times.queue),
            prepare_us: micros(self.times.prepare),
            inference_us: micros(self.times.inference),
            finish_us: micros(self.times.finish),
            train_bytes: U32::new(self.train.bytes),
            train_bytes_per_s: U64::new(self.train.bytes_per_s),
            car_sent_ns: U64::new(self.stamps.car_sent_ns),
            header_received_ns: U64::new(self.stamps.header_received_ns),
            last_received_ns: U64::new(self.stamps.last_received_ns),
            result_sent_ns: U64::new(self.stamps.result_sent_ns),
        };
        let mut out = Vec::with_capacity(RESULT_HEADER_BYTES + self.detections.len() * BOX_BYTES);
        out.extend_from_slice(raw.as_bytes());
        for found in &self.detections {
            let raw = RawBox {
                x_min: F32::new(found.x_min),
                y_min: F32::new(found.y_min),
                x_max: F32::new(found.x_max),
                y_max: F32::new(found.y_max),
                score: F32::new(found.score),
                class: found.class,
                reserved: [0; 3],
            };
            out.extend_from_slice(raw.as_bytes());
        }
        out
    }

    /// Decodes a whole result.
    ///
    /// # Errors
    /// The field that was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let have = bytes.len();
        let truncated = |need| WireError::Truncated { what: "result", need, have };
        let prefix = bytes.first_chunk().ok_or_else(|| truncated(RESULT_HEADER_BYTES))?;
        let need = result_length(*prefix)?;
        let (raw, _) = RawResult::read_from_prefix(bytes).map_err(|_| truncated(RESULT_HEADER_BYTES))?;
        let header = usize::from(raw.header_len.get());
        let boxes = bytes.get(header..).ok_or_else(|| truncated(header))?;
        match have.checked_sub(need) {
            None => return Err(truncated(need)),
            Some(0) => {}
            Some(count) => return Err(WireError::Trailing { what: "result", count }),
        }
        let mut detections = Detections::new();
        for chunk in boxes.chunks_exact(BOX_BYTES) {
            let raw = RawBox::read_from_bytes(chunk).map_err(|_| truncated(need))?;
            let found = Detection {
                x_min: raw.x_min.get(),
                y_min: raw.y_min.get(),
                x_max: raw.x_max.get(),
                y_max: raw.y_max.get(),
                score: raw.score.get(),
                class: raw.class,
            };
            if ![found.x_min, found.y_min, found.x_max, found.y_max, found.score].iter().all(|v| v.is_finite()) {
                return Err(WireError::NotFinite { what: "detection" });
            }
            // The count was checked against the capacity above.
            let _ = detections.push(found);
        }
        Ok(Self {
            seq: raw.seq.get(),
            status: Status::from_wire(raw.status)?,
            times: CloudTimes {
                receive: duration(raw.receive_us),
                queue: duration(raw.queue_us),
                prepare: duration(raw.prepare_us),
                inference: duration(raw.inference_us),
                finish: duration(raw.finish_us),
            },
            train: TrainRate { bytes: raw.train_bytes.get(), bytes_per_s: raw.train_bytes_per_s.get() },
            stamps: Stamps {
                car_sent_ns: raw.car_sent_ns.get(),
                header_received_ns: raw.header_received_ns.get(),
                last_received_ns: raw.last_received_ns.get(),
                result_sent_ns: raw.result_sent_ns.get(),
            },
            detections,
        })
    }
}
