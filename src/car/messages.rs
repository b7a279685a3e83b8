//! What the car's threads say to one another: small, `Copy` or moved, one type per ring or mailbox.

use std::time::Duration;

use allocation::model_config::Payload;
use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::frame::FrameMeta;
use rt_core::memory::pool::ReadLease;
use telemetry::names::NameId;
use telemetry::records::RequestTimes;

/// A frame on its way to a reader (encoder, detector): what is known of it, and the right to read its bytes.
pub struct LeasedFrame {
    /// The frame.
    pub meta: FrameMeta,
    /// Its bytes.
    pub lease: ReadLease,
    /// When the capture thread handed it on.
    pub handed: Monotonic,
}

/// Capture → service.
pub enum FrameNews {
    /// A frame was captured: its decision is due.
    Captured {
        /// The frame.
        meta: FrameMeta,
        /// How long its bytes took to come into being.
        obtain: Duration,
    },
    /// The encoder never saw this frame; a newer one took its place.
    EncoderSkipped(u64),
    /// The detector never saw this frame; a newer one took its place.
    DetectorSkipped(u64),
}

/// Why a frame was not handed to the transport, or that it was.
#[derive(Clone, Copy)]
pub enum Fate {
    /// In the transport's mailbox.
    Sent(RequestTimes),
    /// The allocation gives this service the on-vehicle detector alone.
    LocalOnly,
    /// No connection.
    LinkDown,
    /// No free uplink slot, or the encoding failed.
    Rejected,
    /// It was overtaken in the transport's mailbox.
    Superseded,
}

/// Encoder → service.
#[derive(Clone, Copy)]
pub struct EncodeNote {
    /// The frame.
    pub seq: u64,
    /// The configuration it was coded by.
    pub config: NameId,
    /// What became of it.
    pub fate: Fate,
    /// From hand-over to the encoder's taking it up.
    pub wait: Duration,
    /// Resize and compression.
    pub encode: Duration,
}

/// Detector → service; `None` where the detector failed on the frame.
pub struct VehicleResult {
    /// The frame.
    pub seq: u64,
    /// The boxes.
    pub detections: Option<Detections>,
    /// Capture to the detector's start.
    pub wait: Duration,
    /// Pre-processing, model and post-processing.
    pub inference: Duration,
    /// When it was done.
    pub finished: Monotonic,
}

/// How to code a frame for the cloud.
#[derive(Clone, Copy, PartialEq)]
pub struct Sending {
    /// Which entry of the plan.
    pub entry: usize,
    /// Its configuration's name.
    pub config: NameId,
    /// The model, as the transport numbers it.
    pub model: u16,
    /// What travels.
    pub payload: Payload,
    /// The model's input, width × height in pixels.
    pub input: (u32, u32),
}

/// Allocator → encoder.
#[derive(Clone, Copy, PartialEq)]
pub struct Assignment {
    /// What to send; `None` for the on-vehicle detector alone.
    pub sending: Option<Sending>,
    /// The cheapest thing to send now and then so that an idle link's capacity stays known.
    pub probe: Option<Sending>,
    /// Whether the cloud can be reached.
    pub connected: bool,
}

/// Encoder → allocator: what an encoding really cost.
#[derive(Clone, Copy)]
pub struct EncodeCost {
    /// Which entry of the plan.
    pub entry: usize,
    /// Bytes of the payload.
    pub bytes: usize,
    /// Time from hand-over to the payload being ready.
    pub elapsed: Duration,
}
