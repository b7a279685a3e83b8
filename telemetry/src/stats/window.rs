//! The last second of each service, for the live lines.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::names::NameId;
use crate::records::{AllocationRecord, FrameRecord, LinkRecord, Source};

/// What one service did since the last line.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Decisions made.
    pub decisions: u64,
    /// Those made by their deadline.
    pub in_time: u64,
    /// Decisions by source, in the order of [`Source::ALL`].
    pub sources: [u64; Source::ALL.len()],
    /// Bytes given to the transport.
    pub uplink_bytes: u64,
    /// The model configuration of the last allocation, or of the last decision where none was seen.
    pub config: NameId,
    /// The share of the last allocation, bytes per second.
    pub allocated_bytes_per_s: Option<f64>,
    latencies: Vec<Duration>,
}

impl Window {
    /// The latency that `quantile` (0 to 1) of the window's decisions did not exceed (nearest rank).
    pub fn latency(&mut self, quantile: f64) -> Option<Duration> {
        self.latencies.sort_unstable();
        let rank = (quantile * self.latencies.len() as f64).ceil() as usize;
        self.latencies.get(rank.saturating_sub(1)).copied()
    }

    /// What is allocated stays; what was counted begins anew.
    fn begin_anew(&mut self) {
        self.decisions = 0;
        self.in_time = 0;
        self.sources = Default::default();
        self.uplink_bytes = 0;
        self.latencies.clear();
    }
}

/// How long a sample of the link is remembered.
const LINK_MEMORY: Duration = Duration::from_secs(10);

/// The window of every service, and what was last known of what they share.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    services: BTreeMap<u16, Window>,
    allocation: Option<AllocationRecord>,
    links: VecDeque<LinkRecord>,
}

impl Windows {
    /// Windows of services that are known from the start, so that each has a line before its first decision.
    #[must_use]
    pub fn of(services: &[u16]) -> Self {
        Self { services: services.iter().map(|&service| (service, Window::default())).collect(), ..Self::default() }
    }

    /// Counts one decision.
    pub fn frame(&mut self, record: &FrameRecord) {
        let window = self.services.entry(record.meta.service).or_default();
        window.decisions += 1;
        window.in_time += u64::from(record.in_time());
        if let Some(count) = window.sources.get_mut(record.source as usize) {
            *count += 1;
        }
        window.uplink_bytes += u64::from(record.uplink_bytes);
        window.latencies.push(record.latency());
        if window.allocated_bytes_per_s.is_none() {
            window.config = record.config;
        }
    }

    /// Takes over what each service was given.
    pub fn allocation(&mut self, record: &AllocationRecord) {
        for share in &record.services {
            let window = self.services.entry(share.service).or_default();
            window.config = share.config;
            window.allocated_bytes_per_s = Some(share.bytes_per_s);
        }
        self.allocation = Some(record.clone());
    }

    /// Remembers a sample of the link for ten seconds.
    pub fn link(&mut self, record: &LinkRecord) {
        while self.links.pop_front_if(|oldest| record.at.saturating_since(oldest.at) > LINK_MEMORY).is_some() {}
        self.links.push_back(*record);
    }

    /// The allocation in force.
    #[must_use]
    pub const fn in_force(&self) -> Option<&AllocationRecord> {
        self.allocation.as_ref()
    }

    /// The samples of the ten seconds before the last one, oldest first.
    pub fn links(&self) -> impl DoubleEndedIterator<Item = &LinkRecord> {
        self.links.iter()
    }

    /// Each service's window as it is so far.
    pub fn services(&self) -> impl Iterator<Item = (u16, &Window)> {
        self.services.iter().map(|(&service, window)| (service, window))
    }

    /// Hands each service's window to `see`, by number, and begins new ones.
    pub fn close(&mut self, mut see: impl FnMut(u16, &mut Window)) {
        for (&service, window) in &mut self.services {
            see(service, window);
            window.begin_anew();
        }
    }
}
