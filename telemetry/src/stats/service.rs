//! Totals of one service, and of all.

use std::collections::BTreeMap;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::trace::{Hop, HopHistograms};

use crate::records::{FrameRecord, NoneReason, Outcome, Source};

/// Everything one service decided.
#[derive(Clone, Debug, Default)]
pub struct ServiceStats {
    /// Decisions made.
    pub decisions: u64,
    /// Those made after their deadline.
    pub decisions_late: u64,
    /// Decisions by source, in the order of [`Source::ALL`].
    sources: [u64; Source::ALL.len()],
    /// Requests by outcome, in the order of [`Outcome::ALL`].
    outcomes: [u64; Outcome::ALL.len()],
    /// Decisions without a result by reason, in the order of [`NoneReason::ALL`].
    reasons: [u64; NoneReason::ALL.len()],
    /// Bytes given to the transport.
    pub uplink_bytes: u64,
    /// Every hop.
    pub hops: HopHistograms,
    /// First capture and last decision.
    span: Option<(Monotonic, Monotonic)>,
}

fn bump(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

fn add_counts(mine: &mut [u64], theirs: &[u64]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

impl ServiceStats {
    /// Counts one decision.
    pub fn record(&mut self, record: &FrameRecord) {
        self.decisions += 1;
        self.decisions_late += u64::from(!record.in_time());
        bump(&mut self.sources, record.source as usize);
        bump(&mut self.outcomes, record.outcome as usize);
        if let Some(reason) = record.none_reason {
            bump(&mut self.reasons, reason as usize);
        }
        self.uplink_bytes += u64::from(record.uplink_bytes);
        let mut hops = record.hops;
        hops.set(Hop::Total, record.latency());
        self.hops.record_times(&hops);
        self.widen(record.meta.capture, record.decision);
    }

    /// Adds another service's, or another run's.
    pub fn add(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.decisions_late += other.decisions_late;
        add_counts(&mut self.sources, &other.sources);
        add_counts(&mut self.outcomes, &other.outcomes);
        add_counts(&mut self.reasons, &other.reasons);
        self.uplink_bytes += other.uplink_bytes;
        self.hops += &other.hops;
        if let Some((first, last)) = other.span {
            self.widen(first, last);
        }
    }

    /// Decisions that delivered this source's result.
    #[must_use]
    pub fn from_source(&self, source: Source) -> u64 {
        self.sources.get(source as usize).copied().unwrap_or(0)
    }

    /// Requests that came to this end.
    #[must_use]
    pub fn with_outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(outcome as usize).copied().unwrap_or(0)
    }

    /// Decisions without a result for this reason.
    #[must_use]
    pub fn none_because(&self, reason: NoneReason) -> u64 {
        self.reasons.get(reason as usize).copied().unwrap_or(0)
    }

    /// First capture to last decision.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, last)| last.saturating_since(first))
    }

    /// Bytes given to the transport over [`ServiceStats::elapsed`], bits per second.
    #[must_use]
    pub fn uplink_bps(&self) -> f64 {
        let secs = self.elapsed().as_secs_f64();
        if secs > 0.0 { self.uplink_bytes as f64 * 8.0 / secs } else { 0.0 }
    }

    fn widen(&mut self, first: Monotonic, last: Monotonic) {
        let (from, to) = self.span.unwrap_or((first, last));
        self.span = Some((from.min(first), to.max(last)));
    }
}

/// Every service's totals.
#[derive(Clone, Debug, Default)]
pub struct RunStats {
    services: BTreeMap<u16, ServiceStats>,
}

impl RunStats {
    /// Counts one decision.
    pub fn record(&mut self, record: &FrameRecord) {
        self.services.entry(record.meta.service).or_default().record(record);
    }

    /// Each service that made a decision, by number.
    pub fn services(&self) -> impl Iterator<Item = (u16, &ServiceStats)> {
        self.services.iter().map(|(&service, stats)| (service, stats))
    }

    /// All services together.
    #[must_use]
    pub fn total(&self) -> ServiceStats {
        let mut total = ServiceStats::default();
        self.services.values().for_each(|stats| total.add(stats));
        total
    }
}
