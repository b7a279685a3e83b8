//! The event that each record leaves.

use std::time::Duration;

use rt_core::trace::Stamp;
use rt_core::trace::images::{DELIVERED, Direction, ImageStep};

use super::{Event, EventKind};
use crate::records::{AllocationRecord, CameraRecord, FrameRecord, ImageRecord, LinkRecord, PingRecord, ServedRecord};

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How long a ping that was not answered was waited for.
const PING_PATIENCE: Duration = Duration::from_secs(1);

impl From<&Stamp> for Event {
    #[inline]
    fn from(stamp: &Stamp) -> Self {
        let (seq, service, detail) = (stamp.seq, stamp.service, stamp.hop as u8);
        Self { seq, service, detail, value: stamp.elapsed_ns(), ..Self::new(EventKind::Hop, stamp.end) }
    }
}

impl From<&CameraRecord> for Event {
    fn from(record: &CameraRecord) -> Self {
        let (seq, service) = (record.seq, record.service);
        Self { seq, service, value: ns(record.age), ..Self::new(EventKind::Captured, record.served) }
    }
}

impl From<&FrameRecord> for Event {
    fn from(record: &FrameRecord) -> Self {
        let (seq, service, detail) = (record.meta.seq, record.meta.service, record.source as u8);
        Self { seq, service, detail, value: ns(record.latency()), ..Self::new(EventKind::Decided, record.end) }
    }
}

impl From<&ImageRecord> for Event {
    fn from(record: &ImageRecord) -> Self {
        let whole = record.steps().find(|(step, ..)| *step == ImageStep::Image);
        let took = whole.map_or(Duration::ZERO, |(_, begin, end)| end.saturating_since(begin));
        let incoming = u8::from(record.direction == Direction::Incoming);
        let detail = incoming | u8::from(record.outcome != DELIVERED) << 1;
        let (seq, service) = (record.seq, record.service);
        Self { seq, service, detail, value: ns(took), ..Self::new(EventKind::Carried, record.ended_at()) }
    }
}

impl From<&LinkRecord> for Event {
    fn from(record: &LinkRecord) -> Self {
        let (value, detail) = (record.estimate_bytes_per_s as u64, u8::from(record.app_limited));
        // Rates end at what 32 bits hold: 34 Gbit/s.
        let seq =
            record.range_bytes_per_s.map_or(0, |(low, high)| u64::from(low as u32) | u64::from(high as u32) << 32);
        Self { seq, value, detail, ..Self::new(EventKind::Link, record.at) }
    }
}

impl Event {
    /// How far the link has varied around the estimate in the last second, bytes/s, low and high; `None` of other events,
    /// and where it is not known.
    #[must_use]
    pub fn link_range(&self) -> Option<(u64, u64)> {
        let is_known = self.kind == EventKind::Link && self.seq > 0;
        is_known.then_some((self.seq & u64::from(u32::MAX), self.seq >> 32))
    }
}

impl From<&AllocationRecord> for Event {
    fn from(record: &AllocationRecord) -> Self {
        Self { value: record.available_bytes_per_s as u64, ..Self::new(EventKind::Allocated, record.at) }
    }
}

impl From<&PingRecord> for Event {
    fn from(record: &PingRecord) -> Self {
        let took = record.round_trip.unwrap_or(PING_PATIENCE);
        let detail = u8::from(record.round_trip.is_some());
        Self { value: ns(took), detail, ..Self::new(EventKind::Ping, record.sent.plus(took)) }
    }
}

impl From<&ServedRecord> for Event {
    fn from(record: &ServedRecord) -> Self {
        let (seq, service) = (record.seq, record.service);
        Self { seq, service, value: ns(record.inference), ..Self::new(EventKind::Served, record.end) }
    }
}
