//! Quantities over the time of the run, all on one axis.

use serde::Serialize;

use crate::analysis::{Analysis, Bins};
use crate::logs::Place;

/// Points of a series at most.
const MOST_POINTS: usize = 240;

/// What is known of a stretch of time; `None` where nothing was logged in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// Frames decided.
    pub frames: f64,
    /// Decisions with a result by the deadline.
    pub on_time: f64,
    /// Capture to decision, mean, ms.
    pub latency_ms: Option<f64>,
    /// Given to the services, Mbit/s.
    pub allocated_mbps: Option<f64>,
    /// Sent, Mbit/s.
    pub used_mbps: Option<f64>,
    /// There to be divided, Mbit/s.
    pub available_mbps: Option<f64>,
    /// Round trip, mean, ms.
    pub rtt_ms: Option<f64>,
    /// Expected utility.
    pub utility_expected: Option<f64>,
    /// Delivered utility.
    pub utility_delivered: Option<f64>,
    /// Utility of the vehicle alone.
    pub utility_on_vehicle: Option<f64>,
}

impl Point {
    /// The share of decisions that were on time.
    #[must_use]
    pub fn on_time_share(&self) -> Option<f64> {
        (self.frames > 0.0).then(|| self.on_time / self.frames)
    }
}

/// All points, from the run's start on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SeriesReport {
    /// What one point covers, s.
    pub seconds_per_point: f64,
    /// The points.
    pub points: Vec<Point>,
}

fn per<const N: usize>(bin: Option<&[f64; N]>, sum: usize, weight: usize, scale: f64) -> Option<f64> {
    let bin = bin?;
    let (sum, weight) = (bin.get(sum)?, bin.get(weight)?);
    (*weight > 0.0).then(|| sum / weight * scale)
}

/// Bytes per second as Mbit/s.
const MBPS: f64 = 8e-6;

impl SeriesReport {
    pub(super) fn of(analysis: &Analysis) -> Self {
        let mut frames = Bins::<{ crate::analysis::SERIES }>::default();
        analysis.queries.values().for_each(|stats| frames.merge(&stats.series));
        let mut network = Bins::<3>::default();
        // Each service has rows of its own at the same moments: seconds are those of one, bytes are those of all.
        let cars = analysis.network.iter().filter(|((place, _), _)| *place == Place::Car);
        let services = cars.clone().count().max(1) as f64;
        cars.for_each(|(_, stats)| network.merge(&stats.series));
        let (mut allocation, mut link) = (analysis.allocation.series.clone(), analysis.link.series.clone());
        // One axis for all: as wide as the widest needs it for the points that are allowed.
        let width = [frames.fitting(MOST_POINTS), network.fitting(MOST_POINTS)]
            .into_iter()
            .chain([allocation.fitting(MOST_POINTS), link.fitting(MOST_POINTS)])
            .fold(0.0, f64::max);
        let lengths =
            [frames.widen_to(width), network.widen_to(width), allocation.widen_to(width), link.widen_to(width)];
        let points = (0..lengths.into_iter().max().unwrap_or(0)).map(|index| {
            let network = network.bins().get(index).map(|[secs, sent, _]| [secs / services, *sent]);
            point(frames.bins().get(index), network, allocation.bins().get(index), link.bins().get(index), width)
        });
        Self { seconds_per_point: width, points: points.collect() }
    }
}

fn point(
    frames: Option<&[f64; crate::analysis::SERIES]>,
    network: Option<[f64; 2]>,
    allocation: Option<&[f64; 5]>,
    link: Option<&[f64; 5]>,
    width: f64,
) -> Point {
    let [count, on_time, _, bytes, planned, from_cloud, failed] = frames.copied().unwrap_or_default();
    let (expected, alone) = (per(allocation, 3, 0, 1.0), per(allocation, 4, 0, 1.0));
    let delivered = expected
        .zip(alone)
        .filter(|_| count > 0.0)
        .map(|(expected, alone)| super::utility::delivered(expected, alone, planned, from_cloud, failed, count));
    let carried = network.filter(|[secs, _]| *secs > 0.0).map(|[secs, sent]| sent / secs * MBPS);
    Point {
        frames: count,
        on_time,
        latency_ms: per(frames, 2, 0, 1e3),
        allocated_mbps: per(allocation, 1, 0, MBPS),
        used_mbps: carried.or((count > 0.0).then_some(bytes / width * MBPS)),
        available_mbps: per(allocation, 2, 0, MBPS),
        rtt_ms: per(link, 3, 0, 1e3),
        utility_expected: expected,
        utility_delivered: delivered,
        utility_on_vehicle: alone,
    }
}
