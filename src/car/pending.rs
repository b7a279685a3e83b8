//! One frame between its capture and the record of its decision.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::frame::FrameMeta;
use rt_core::trace::{Hop, HopTimes};
use telemetry::names::NameId;
use telemetry::records::{FrameRecord, NoneReason, Outcome, RequestTimes, ResponseTimes, Source};
use transport::car::{CloudReply, ReplyStatus};

use super::messages::{EncodeNote, Fate, VehicleResult};

/// What the service knows of a frame so far.
pub struct Pending {
    /// The frame.
    pub meta: FrameMeta,
    obtain: Duration,
    start: Monotonic,
    hops: HopTimes,
    config: NameId,
    /// What became of the request, once it is known for good.
    outcome: Option<Outcome>,
    request: Option<RequestTimes>,
    response: Option<ResponseTimes>,
    uplink_bytes: u32,
    vehicle: Option<Detections>,
    vehicle_at: Monotonic,
    vehicle_lost: Option<NoneReason>,
    decided: Option<Decided>,
}

struct Decided {
    at: Monotonic,
    source: Source,
    none_reason: Option<NoneReason>,
    delivered: Detections,
}

impl Pending {
    /// A frame that was just captured.
    pub fn new(meta: FrameMeta, obtain: Duration, config: NameId) -> Self {
        let mut hops = HopTimes::default();
        let start = Monotonic::now();
        hops.set(Hop::Capture, obtain);
        Self {
            meta,
            obtain,
            start,
            hops,
            config,
            outcome: None,
            request: None,
            response: None,
            uplink_bytes: 0,
            vehicle: None,
            vehicle_at: Monotonic::ZERO,
            vehicle_lost: None,
            decided: None,
        }
    }

    /// The encoder's word.
    pub fn note(&mut self, note: &EncodeNote) {
        if let Fate::Superseded = note.fate {
            self.outcome.get_or_insert(Outcome::Superseded);
            return;
        }
        self.config = note.config;
        self.hops.set(Hop::EncodeWait, note.wait);
        match note.fate {
            Fate::Sent(times) => {
                self.hops.set(Hop::Encode, note.encode);
                self.request = Some(times);
            }
            Fate::LocalOnly => self.outcome = Some(Outcome::LocalOnly),
            Fate::LinkDown => self.outcome = Some(Outcome::LinkDown),
            Fate::Rejected | Fate::Superseded => self.outcome = Some(Outcome::Rejected),
        }
    }

    /// The encoder never saw it.
    pub fn encoder_skipped(&mut self) {
        self.outcome.get_or_insert(Outcome::Superseded);
    }

    /// The detector's word.
    pub fn vehicle(&mut self, result: VehicleResult) {
        self.hops.set(Hop::VehicleWait, result.wait);
        self.hops.set(Hop::VehicleInference, result.inference);
        self.vehicle_at = result.finished;
        match result.detections {
            Some(detections) => self.vehicle = Some(detections),
            None => self.vehicle_lost = Some(NoneReason::DetectorFailed),
        }
    }

    /// The detector never saw it.
    pub fn detector_skipped(&mut self) {
        self.vehicle_lost.get_or_insert(NoneReason::DetectorSkipped);
    }

    /// The cloud's answer; its detections are delivered at once if nothing has been.
    pub fn cloud(&mut self, reply: CloudReply) {
        self.hops.merge(&reply.hops);
        self.uplink_bytes = u32::try_from(reply.uplink_bytes).unwrap_or(u32::MAX);
        self.outcome = Some(match reply.status {
            ReplyStatus::Ok if self.decided.is_some() => Outcome::Late,
            ReplyStatus::Ok => Outcome::OnTime,
            ReplyStatus::Expired | ReplyStatus::Reset => Outcome::Expired,
            ReplyStatus::Superseded => Outcome::Superseded,
            ReplyStatus::Overload | ReplyStatus::Error => Outcome::Rejected,
            ReplyStatus::LinkDown => Outcome::LinkDown,
        });
        if reply.status == ReplyStatus::Ok && self.decided.is_none() {
            let received = Monotonic::now();
            self.response = Some(ResponseTimes { received, deserialization: Duration::ZERO });
            self.decide(received, Source::Cloud, None, reply.detections, reply.received_at);
        }
    }

    /// Decides for the car's own result, or for nothing, where waiting longer can bring nothing better or the time is
    /// up (`due`).
    pub fn settle(&mut self, now: Monotonic, due: bool) {
        if self.decided.is_some() || !(due || self.outcome.is_some()) {
            return;
        }
        match &self.vehicle {
            Some(detections) => {
                let (delivered, at) = (detections.clone(), self.vehicle_at);
                self.decide(now, Source::Vehicle, None, delivered, at);
            }
            None if due || self.vehicle_lost.is_some() => {
                let reason = self.vehicle_lost.unwrap_or(NoneReason::DetectorBehind);
                self.decide(now, Source::None, Some(reason), Detections::new(), now);
            }
            None => {}
        }
    }

    fn decide(
        &mut self,
        at: Monotonic,
        source: Source,
        none_reason: Option<NoneReason>,
        delivered: Detections,
        arrived: Monotonic,
    ) {
        self.hops.set(Hop::ResultToDecision, at.saturating_since(arrived));
        self.decided = Some(Decided { at, source, none_reason, delivered });
    }

    /// Whether the decision has been made.
    pub const fn is_decided(&self) -> bool {
        self.decided.is_some()
    }

    /// Whether nothing more can be learned of it in time: decided, and both results are here or given up.
    pub const fn is_complete(&self) -> bool {
        self.decided.is_some() && self.outcome.is_some() && (self.vehicle.is_some() || self.vehicle_lost.is_some())
    }

    /// The record of a decided frame; `None` where there is no decision yet.
    pub fn record(&self, stale_results_drained: u32) -> Option<FrameRecord> {
        let decided = self.decided.as_ref()?;
        Some(FrameRecord {
            meta: self.meta,
            hops: self.hops,
            source: decided.source,
            outcome: self.outcome.unwrap_or(Outcome::Late),
            none_reason: decided.none_reason,
            delivered: decided.delivered.clone(),
            vehicle: self.vehicle.clone(),
            config: self.config,
            uplink_bytes: self.uplink_bytes,
            stale_results_drained,
            start: self.start,
            decision: decided.at,
            end: Monotonic::now(),
            camera_obtain: self.obtain,
            camera_return: Duration::ZERO,
            request: self.request,
            response: self.response,
        })
    }
}
