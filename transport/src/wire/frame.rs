//! The header in front of a frame's bytes.

use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{MAX_FRAME_BYTES, MAX_SIDE, WireError, in_range};

/// Bytes of a header of this version; a later one may be longer, its extra bytes are skipped.
pub const HEADER_BYTES: usize = size_of::<RawHeader>();
/// The longest header a peer may announce, bytes.
pub const MAX_HEADER_BYTES: usize = 256;
/// The longest budget that makes sense, microseconds; a longer one is a peer's mistake.
pub const MAX_BUDGET_US: u32 = 60_000_000;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    header_len: U16,
    service: U16,
    seq: U64,
    budget_us: U32,
    model: U16,
    kind: u8,
    coding: u8,
    quality: u8,
    flags: u8,
    width: U16,
    height: U16,
    frame_width: U16,
    frame_height: U16,
    payload_bytes: U32,
    sent_ns: U64,
}

/// What the cloud has to know of a frame before its bytes.
///
/// ```
/// use allocation::model_config::{Coding, Payload};
/// use transport::wire::frame::FrameHeader;
/// let header = FrameHeader {
///     service: 1, seq: 42, budget: std::time::Duration::from_millis(180), model: 0,
///     payload: Payload::Input(Coding::Jpeg(75)), width: 512, height: 512,
///     frame_width: 1280, frame_height: 720, payload_bytes: 30_000, sent_ns: 5_000_000,
///     flags: Default::default(),
/// };
/// let bytes = header.encode();
/// assert_eq!(FrameHeader::decode(&bytes)?, header);
/// # Ok::<(), transport::wire::WireError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The car's service, from 1.
    pub service: u16,
    /// The frame's number within the service.
    pub seq: u64,
    /// What was left until the result has to be back at the car's decision, when the header was written; whole
    /// microseconds.
    pub budget: Duration,
    /// The model's place in the cloud's menu.
    pub model: u16,
    /// What the payload is and how it is coded.
    pub payload: Payload,
    /// Width of the coded image, pixels.
    pub width: u16,
    /// Height of the coded image, pixels.
    pub height: u16,
    /// Width of the camera frame, in whose pixels boxes are given.
    pub frame_width: u16,
    /// Height of the camera frame.
    pub frame_height: u16,
    /// Bytes that follow the header.
    pub payload_bytes: u32,
    /// When the header was written, nanoseconds of the car's own monotonic clock. The cloud only echoes it in the result.
    pub sent_ns: u64,
    /// What is special about it.
    pub flags: FrameFlags,
}

/// What is special about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameFlags {
    /// Another frame may follow on this stream.
    pub follows: bool,
    /// The payload means nothing: it only fills the link, and is thrown away without a result.
    pub probe: bool,
}

const FLAG_FOLLOWS: u8 = 1;
const FLAG_PROBE: u8 = 2;

impl FrameFlags {
    const fn bits(self) -> u8 {
        (if self.follows { FLAG_FOLLOWS } else { 0 }) | (if self.probe { FLAG_PROBE } else { 0 })
    }

    /// Bits that this version does not know are not looked at.
    const fn of(bits: u8) -> Self {
        Self { follows: bits & FLAG_FOLLOWS != 0, probe: bits & FLAG_PROBE != 0 }
    }

    /// Whether it is none but an ordinary frame, alone on its stream.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        self.bits() == 0
    }
}

const KIND_RAW_INPUT: u8 = 0;
const KIND_FRAME: u8 = 1;
const KIND_INPUT: u8 = 2;
const CODING_RAW: u8 = 0;
const CODING_JPEG: u8 = 1;
const CODING_PNG: u8 = 2;

/// How many bytes the whole header has, from its first two.
///
/// # Errors
/// A length shorter than this version's header or above [`MAX_HEADER_BYTES`].
pub fn header_length(prefix: [u8; 2]) -> Result<usize, WireError> {
    let length = usize::from(u16::from_le_bytes(prefix));
    in_range("frame header length", length as u64, HEADER_BYTES as u64, MAX_HEADER_BYTES as u64)?;
    Ok(length)
}

impl FrameHeader {
    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let coding = |coding| match coding {
            Coding::Jpeg(quality) => (CODING_JPEG, quality),
            Coding::Png => (CODING_PNG, 0),
        };
        let (kind, (coding, quality)) = match self.payload {
            Payload::RawInput => (KIND_RAW_INPUT, (CODING_RAW, 0)),
            Payload::Frame(image) => (KIND_FRAME, coding(image)),
            Payload::Input(image) => (KIND_INPUT, coding(image)),
        };
        let budget = u32::try_from(self.budget.as_micros()).unwrap_or(MAX_BUDGET_US).min(MAX_BUDGET_US);
        let raw = RawHeader {
            header_len: U16::new(u16::try_from(HEADER_BYTES).unwrap_or(0)),
            service: U16::new(self.service),
            seq: U64::new(self.seq),
            budget_us: U32::new(budget),
            model: U16::new(self.model),
            kind,
            coding,
            quality,
            flags: self.flags.bits(),
            width: U16::new(self.width),
            height: U16::new(self.height),
            frame_width: U16::new(self.frame_width),
            frame_height: U16::new(self.frame_height),
            payload_bytes: U32::new(self.payload_bytes),
            sent_ns: U64::new(self.sent_ns),
        };
        zerocopy::transmute!(raw)
    }

    /// Decodes a header; bytes after this version's fields are ignored.
    ///
    /// # Errors
    /// The field that was wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let have = bytes.len();
        let truncated = WireError::Truncated { what: "frame header", need: HEADER_BYTES, have };
        let (raw, _) = RawHeader::read_from_prefix(bytes).map_err(|_| truncated.clone())?;
        let announced = header_length(raw.header_len.get().to_le_bytes())?;
        if announced > have {
            return Err(WireError::Truncated { what: "frame header", need: announced, have });
        }
        let side = |what, value: U16| in_range(what, u64::from(value.get()), 1, u64::from(MAX_SIDE));
        side("payload width", raw.width)?;
        side("payload height", raw.height)?;
        side("frame width", raw.frame_width)?;
        side("frame height", raw.frame_height)?;
        in_range("remaining budget in microseconds", u64::from(raw.budget_us.get()), 0, u64::from(MAX_BUDGET_US))?;
        in_range("payload length", u64::from(raw.payload_bytes.get()), 1, u64::from(MAX_FRAME_BYTES))?;
        let payload = payload(raw.kind, raw.coding, raw.quality)?;
        if payload == Payload::RawInput {
            let exact = u64::from(raw.width.get()) * u64::from(raw.height.get()) * 3;
            in_range("payload length of a raw input", u64::from(raw.payload_bytes.get()), exact, exact)?;
        }
        Ok(Self {
            service: raw.service.get(),
            seq: raw.seq.get(),
            budget: Duration::from_micros(u64::from(raw.budget_us.get())),
            model: raw.model.get(),
            payload,
            width: raw.width.get(),
            height: raw.height.get(),
            frame_width: raw.frame_width.get(),
            frame_height: raw.frame_height.get(),
            payload_bytes: raw.payload_bytes.get(),
            sent_ns: raw.sent_ns.get(),
            flags: FrameFlags::of(raw.flags),
        })
    }
}

fn payload(kind: u8, coding: u8, quality: u8) -> Result<Payload, WireError> {
    let image = || match coding {
        CODING_JPEG => {
            in_range("JPEG quality", u64::from(quality), 1, 100)?;
            Ok(Coding::Jpeg(quality))
        }
        CODING_PNG => Ok(Coding::Png),
        other => Err(WireError::Unknown { what: "image coding", value: u64::from(other) }),
    };
    match kind {
        KIND_RAW_INPUT if coding == CODING_RAW => Ok(Payload::RawInput),
        KIND_RAW_INPUT => Err(WireError::Unknown { what: "coding of a raw input", value: u64::from(coding) }),
        KIND_FRAME => Ok(Payload::Frame(image()?)),
        KIND_INPUT => Ok(Payload::Input(image()?)),
        other => Err(WireError::Unknown { what: "payload kind", value: u64::from(other) }),
    }
}
