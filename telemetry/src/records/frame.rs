//! One decision about one frame, and everything that led to it.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::frame::FrameMeta;
use rt_core::trace::HopTimes;

use crate::names::NameId;

macro_rules! named {
    ($(#[$type_doc:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident => $name:literal),+ $(,)? }) => {
        $(#[$type_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$doc])* $variant),+ }

        impl $type {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in logs and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

named! {
    /// Whose result a decision delivered.
    Source {
        /// The cloud's.
        Cloud => "cloud",
        /// The on-vehicle detector's.
        Vehicle => "vehicle",
        /// Nobody's: there was no result by the deadline.
        None => "none",
    }
}

named! {
    /// What became of a frame's request to the cloud.
    Outcome {
        /// The result came by the deadline.
        OnTime => "on_time",
        /// The result came after the deadline, or never.
        Late => "late",
        /// A newer frame took its place before it was sent completely.
        Superseded => "superseded",
        /// A stage (car, network gate or cloud) saw that the deadline could not be met, and gave it up.
        Expired => "expired",
        /// There was no connection.
        LinkDown => "link_down",
        /// The cloud refused it (unknown model, overload, unreadable image).
        Rejected => "rejected",
        /// Nothing was sent: the allocation gave this service the on-vehicle detector alone.
        LocalOnly => "local_only",
    }
}

named! {
    /// Why a decision had no result to deliver.
    NoneReason {
        /// The on-vehicle detector had not finished the frame.
        DetectorBehind => "detector_behind",
        /// The on-vehicle detector skipped the frame for a newer one.
        DetectorSkipped => "detector_skipped",
        /// The on-vehicle detector failed on the frame.
        DetectorFailed => "detector_failed",
        /// This run has no on-vehicle detector.
        NoDetector => "no_detector",
    }
}

/// When a request went on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTimes {
    /// The encoded image was complete and its request was begun.
    pub start: Monotonic,
    /// Writing the request (header and image) into its slot, beyond the encoding.
    pub serialization: Duration,
    /// Handing the slot to the transport.
    pub handover: Duration,
    /// From here on the service waited for the result.
    pub listen_start: Monotonic,
}

/// When the matching result came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseTimes {
    /// The service took it out of its ring.
    pub received: Monotonic,
    /// Reading it.
    pub deserialization: Duration,
}

/// One decision: log type 1, the histograms, the live lines, the accuracy and the summary all come from it.
#[derive(Clone, Debug)]
pub struct FrameRecord {
    /// The frame.
    pub meta: FrameMeta,
    /// How long each hop took; [`rt_core::trace::Hop::Total`] may be left out.
    pub hops: HopTimes,
    /// Whose detections were delivered.
    pub source: Source,
    /// What became of the request.
    pub outcome: Outcome,
    /// Why nothing was delivered; `Some` exactly where `source` is [`Source::None`].
    pub none_reason: Option<NoneReason>,
    /// What was delivered.
    pub delivered: Detections,
    /// What the on-vehicle detector had by the deadline, where it had finished: what the car alone would have
    /// delivered.
    pub vehicle: Option<Detections>,
    /// The model configuration that the allocation asked for.
    pub config: NameId,
    /// Bytes of the frame that were given to the transport, those of a stream that was reset included.
    pub uplink_bytes: u32,
    /// Results of earlier frames that were taken and thrown away while waiting for this one's.
    pub stale_results_drained: u32,
    /// The service began with this frame.
    pub start: Monotonic,
    /// The decision was made.
    pub decision: Monotonic,
    /// The service was done with the frame, its slot returned.
    pub end: Monotonic,
    /// Time to obtain the frame, once the service asked for it.
    pub camera_obtain: Duration,
    /// Time to return the frame's slot.
    pub camera_return: Duration,
    /// The request; `None` where nothing was handed to the transport.
    pub request: Option<RequestTimes>,
    /// The matching result; `None` where none came before the decision.
    pub response: Option<ResponseTimes>,
}

impl FrameRecord {
    /// Capture to decision.
    #[must_use]
    pub const fn latency(&self) -> Duration {
        self.decision.saturating_since(self.meta.capture)
    }

    /// Whether the decision was made by the deadline.
    #[must_use]
    pub fn in_time(&self) -> bool {
        !self.meta.deadline.passed_at(self.decision)
    }
}
