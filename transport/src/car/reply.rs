//! What a service gets back for a frame.

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::trace::HopTimes;

use crate::wire::result::Status;

/// How a frame's journey ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyStatus {
    /// The cloud's detections are here.
    Ok,
    /// It could not make its deadline, as the car or the cloud saw it.
    Expired,
    /// A newer frame took its place before it was begun.
    Superseded,
    /// The cloud refuses more from this car for now.
    Overload,
    /// It was wrong in itself: unknown model, too large, not decodable, or its worker died.
    Error,
    /// It had been begun and was given up, because it could not arrive in time.
    Reset,
    /// There is no connection.
    LinkDown,
}

impl ReplyStatus {
    /// The name in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => rt_core::trace::images::DELIVERED,
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Overload => "overload",
            Self::Error => "error",
            Self::Reset => "reset",
            Self::LinkDown => "link_down",
        }
    }
}

impl From<Status> for ReplyStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::Ok,
            Status::Expired => Self::Expired,
            Status::Superseded => Self::Superseded,
            Status::Overload => Self::Overload,
            Status::Error => Self::Error,
        }
    }
}

/// The one answer to one [`super::Outgoing`].
#[derive(Clone, Debug, PartialEq)]
pub struct CloudReply {
    /// The service.
    pub service: u16,
    /// The frame's sequence number.
    pub seq: u64,
    /// How it ended.
    pub status: ReplyStatus,
    /// The model that was asked for, as in [`super::Outgoing::model`].
    pub model: u16,
    /// Boxes in pixels of the camera frame; classes by the cloud's menu.
    pub detections: Detections,
    /// What each hop took, where it was reached: send wait, send, the cloud's five, network.
    pub hops: HopTimes,
    /// Bytes of this frame that were given to QUIC, header included.
    pub uplink_bytes: u64,
    /// When the answer was known on the car.
    pub received_at: Monotonic,
}
