//! What the link had, what was given, what was used.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Quantile;
use crate::analysis::Analysis;
use crate::logs::Place;

/// Means over the time of the run; `None` where no log tells.
#[derive(Clone, Debug, Serialize)]
pub struct Bandwidth {
    /// There to be divided, Mbit/s.
    pub available_mbps: Option<f64>,
    /// Given to the services, Mbit/s.
    pub allocated_mbps: Option<f64>,
    /// Of it by service, Mbit/s.
    pub allocated_by_service_mbps: BTreeMap<u16, f64>,
    /// Bytes of frames given to the transport over the run's time, Mbit/s.
    pub used_mbps: Option<f64>,
    /// Bytes sent by the car (log type 7).
    pub sent_bytes: Option<u64>,
    /// Bytes received by the car (log type 7).
    pub received_bytes: Option<u64>,
    /// Capacity estimate, Mbit/s.
    pub estimate_mbps: Option<f64>,
    /// Share of the samples whose rate the application limited.
    pub app_limited: Option<f64>,
    /// Round trip of the connection, ms.
    pub rtt_ms: Option<Quantile>,
    /// Pings sent.
    pub pings: u64,
    /// Pings without an answer.
    pub pings_lost: u64,
    /// Round trip of pings, ms.
    pub ping_ms: Option<Quantile>,
    /// Time the solver took, ms.
    pub solve_ms: Option<Quantile>,
    /// Allocations by policy.
    pub policies: BTreeMap<String, u64>,
}

impl Bandwidth {
    pub(super) fn of(analysis: &Analysis, seconds: f64) -> Self {
        let mbps = 8e-6;
        let [held, allocated, available, _, _] = analysis.allocation.series.total();
        let mean = |sum: f64| (held > 0.0).then(|| sum / held * mbps);
        let [samples, estimate, _, _, _] = analysis.link.series.total();
        let bytes: u64 = analysis.queries.values().map(|stats| stats.uplink_bytes).sum();
        let cars = || analysis.network.iter().filter(|((place, _), _)| *place == Place::Car).map(|(_, stats)| stats);
        let network = cars().next().is_some();
        let services = analysis.allocation.services.iter();
        Self {
            available_mbps: mean(available).filter(|available| *available > 0.0),
            allocated_mbps: mean(allocated),
            allocated_by_service_mbps: services
                .filter_map(|(&service, &sum)| mean(sum).map(|mbps| (service, mbps)))
                .collect(),
            used_mbps: (seconds > 0.0 && !analysis.queries.is_empty()).then(|| bytes as f64 / seconds * mbps),
            sent_bytes: network.then(|| cars().map(|stats| stats.sent_bytes).sum()),
            received_bytes: network.then(|| cars().map(|stats| stats.received_bytes).sum()),
            estimate_mbps: (samples > 0.0).then(|| estimate / samples * mbps),
            app_limited: (samples > 0.0).then(|| analysis.link.app_limited as f64 / analysis.link.samples as f64),
            rtt_ms: Quantile::from(&analysis.link.rtt),
            pings: analysis.ping.sent,
            pings_lost: analysis.ping.lost,
            ping_ms: Quantile::from(&analysis.ping.round_trip),
            solve_ms: Quantile::from(&analysis.allocation.solve_time),
            policies: analysis.allocation.policies.clone(),
        }
    }
}
