//! What each service, each camera and the cloud did.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{HopTimes, Quantile};
use crate::analysis::{CameraStats, QueryStats, ServedStage, ServedStats, Stage};

/// One service's decisions, or all services' together.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceReport {
    /// The service's number; none for all together.
    pub service: Option<u16>,
    /// Frames with a decision.
    pub frames: u64,
    /// Frames before the last one without a decision in the log.
    pub frames_lost: u64,
    /// The objective, capture to deadline, ms; the median where it changed.
    pub slo_ms: Option<f64>,
    /// Decisions with a result by the deadline.
    pub on_time: u64,
    /// The share of all frames, lost ones included, that had a result by the deadline: the objective's attainment.
    pub attainment: Option<f64>,
    /// Decisions made after the deadline.
    pub late: u64,
    /// Decisions by source: cloud, vehicle, none.
    pub sources: BTreeMap<String, u64>,
    /// Requests to the cloud by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Frames by allocated model configuration.
    pub models: BTreeMap<String, u64>,
    /// Boxes delivered.
    pub boxes: u64,
    /// Capture to decision, ms.
    pub latency_ms: Option<Quantile>,
    /// Every stage on the car, ms, in the way's order.
    pub stages: Vec<HopTimes>,
    /// Given to the transport, Mbit/s.
    pub uplink_mbps: f64,
}

impl ServiceReport {
    pub(super) fn of(service: Option<u16>, stats: &QueryStats, lost: u64, seconds: f64) -> Self {
        let frames = stats.frames + lost;
        let stages = Stage::ALL.iter().zip(&stats.stages);
        Self {
            service,
            frames: stats.frames,
            frames_lost: lost,
            slo_ms: Quantile::from(&stats.objective).map(|times| times.p50),
            on_time: stats.on_time,
            attainment: (frames > 0).then(|| stats.on_time as f64 / frames as f64),
            late: stats.late,
            sources: stats.sources.clone(),
            outcomes: stats.outcomes.clone(),
            models: stats.models.clone(),
            boxes: stats.boxes,
            latency_ms: Quantile::from(&stats.latency),
            stages: stages.filter_map(|((_, column), times)| HopTimes::from(column, times)).collect(),
            uplink_mbps: if seconds > 0.0 { stats.uplink_bytes as f64 * 8e-6 / seconds } else { 0.0 },
        }
    }

    /// The name in tables.
    #[must_use]
    pub fn name(&self) -> String {
        self.service.map_or_else(|| "all".to_owned(), |service| service.to_string())
    }

    /// Decisions from this source.
    #[must_use]
    pub fn from(&self, source: &str) -> u64 {
        self.sources.get(source).copied().unwrap_or(0)
    }
}

/// What the cloud served of one service.
#[derive(Clone, Debug, Serialize)]
pub struct CloudReport {
    /// The service.
    pub service: u16,
    /// Requests served.
    pub requests: u64,
    /// Requests given up before inference.
    pub expired: u64,
    /// Images in a batch, on average.
    pub mean_batch: f64,
    /// Requests by worker.
    pub workers: BTreeMap<String, u64>,
    /// Requests by car: the cloud's log has those of every car that it served.
    pub cars: BTreeMap<String, u64>,
    /// Every stage, ms.
    pub stages: Vec<HopTimes>,
}

impl CloudReport {
    pub(super) fn of(service: u16, stats: &ServedStats) -> Self {
        let stages = ServedStage::ALL.iter().zip(&stats.stages);
        Self {
            service,
            requests: stats.requests,
            expired: stats.expired,
            mean_batch: if stats.requests > 0 { stats.batch_images as f64 / stats.requests as f64 } else { 0.0 },
            workers: stats.workers.clone(),
            cars: stats.cars.clone(),
            stages: stages.filter_map(|((_, name, _), times)| HopTimes::from(name, times)).collect(),
        }
    }
}

/// What one camera gave.
#[derive(Clone, Debug, Serialize)]
pub struct CameraReport {
    /// The service (and camera).
    pub service: u16,
    /// Frames captured.
    pub frames: u64,
    /// Frames that were due and that nobody took in time.
    pub dropped: u64,
    /// Frames whose bytes were kept.
    pub saved: u64,
    /// Capture to hand-over, ms.
    pub age_ms: Option<Quantile>,
}

impl CameraReport {
    pub(super) fn of(service: u16, stats: &CameraStats) -> Self {
        let age_ms = Quantile::from(&stats.age);
        Self { service, frames: stats.frames, dropped: stats.dropped, saved: stats.saved, age_ms }
    }
}
