//! The state of everything, for subscribers who ask for it.

use rt_core::clock::Monotonic;
use rt_core::trace::{Hop, HopHistograms};

use super::Collector;
use crate::records::{LinkRecord, Source};
use crate::subscribe::{
    AllocationPicture, Base, HopPicture, LinkPicture, LossPicture, NoteKind, NotePicture, Picture, Publisher,
    RingPicture, ServicePicture, ThreadPicture, millis,
};

const MBPS_PER_BYTES_PER_S: f64 = 8e-6;

impl Collector {
    /// Tells the state of everything where it is due; nothing is made for nobody, but for the beginning of a window.
    pub(super) fn show_picture(&mut self, now: Monotonic) {
        let Some(live) = self.live_end() else { return };
        let (wants_base, wants_picture) = (live.wants_base(now), live.wants_picture(now));
        if !wants_base && !wants_picture {
            return;
        }
        let mut hops = self.stats.total().hops;
        hops += self.tracer.histograms();
        if wants_picture {
            let mut picture = self.picture(&hops, now);
            self.parts().for_each(|part| part.show(now, &mut picture));
            if let Some(live) = self.live_end() {
                live.show(picture, now);
            }
        }
        if wants_base {
            let total = |hops: &HopHistograms| hops.get(Hop::Total).cloned().unwrap_or_default();
            let totals = self.stats.services().map(|(service, stats)| (service, total(&stats.hops))).collect();
            let start = self.clock.start().monotonic;
            if let Some(live) = self.live_end() {
                // The first window has what was counted before anybody looked.
                let first = live.base().is_none();
                live.set_base(if first { Base::beginning(start) } else { Base { at: now, hops, totals } });
            }
        }
    }

    /// A loss, for subscribers.
    pub(super) fn note_loss(&mut self, what: &str) {
        if let Some(live) = self.live_end() {
            live.hub().note(NoteKind::Loss, what);
        }
    }

    fn live_end(&mut self) -> Option<&mut Publisher> {
        self.events.live()
    }

    fn picture(&mut self, hops: &HopHistograms, now: Monotonic) -> Picture {
        let live = self.live_end();
        let notes = live.iter().flat_map(|live| live.recent()).map(NotePicture::from).collect();
        let base = live.and_then(|live| live.base());
        let since = base.as_ref().map_or_else(|| self.clock.start().monotonic, |base| base.at);
        Picture {
            window_s: now.saturating_since(since).as_secs_f64(),
            services: self.services_picture(base.as_deref()),
            allocation: self.allocation_picture(now),
            link: self.link_picture(now),
            hops: HopPicture::all(hops, base.as_ref().map(|base| &base.hops)),
            rings: self.rings_picture(),
            threads: self
                .threads
                .iter()
                .map(|watch| ThreadPicture::counting(watch.thread(), &watch.snapshot()))
                .collect(),
            served: self.served_count,
            losses: self.losses_picture(),
            notes,
            ..Picture::at(now)
        }
    }

    fn services_picture(&self, base: Option<&Base>) -> Vec<ServicePicture> {
        let weight = |service: u16| {
            let shares = self.windows.in_force().into_iter().flat_map(|record| &record.services);
            shares.clone().find(|share| share.service == service).map(|share| share.weight)
        };
        let of = |(service, window): (u16, &crate::stats::Window)| {
            let stats = self.stats.services().find(|(number, _)| *number == service).map(|(_, stats)| stats);
            let times = stats.and_then(|stats| stats.hops.get(Hop::Total));
            let times = times.and_then(|times| Base::quantiles(base, service, times));
            let from = |source| stats.map_or(0, |stats| stats.from_source(source));
            ServicePicture {
                service,
                name: String::new(),
                config: self.names.get(window.config).to_string(),
                weight: weight(service),
                allocated_mbps: window.allocated_bytes_per_s.map(|rate| rate * MBPS_PER_BYTES_PER_S),
                decisions: stats.map_or(0, |stats| stats.decisions),
                decisions_late: stats.map_or(0, |stats| stats.decisions_late),
                from_cloud: from(Source::Cloud),
                from_vehicle: from(Source::Vehicle),
                none: from(Source::None),
                uplink_bytes: stats.map_or(0, |stats| stats.uplink_bytes),
                p50_ms: times.map(|times| millis(times.p50)),
                p95_ms: times.map(|times| millis(times.p95)),
                p99_ms: times.map(|times| millis(times.p99)),
            }
        };
        self.windows.services().map(of).collect()
    }

    fn allocation_picture(&self, now: Monotonic) -> Option<AllocationPicture> {
        let record = self.windows.in_force()?;
        Some(AllocationPicture {
            age_s: now.saturating_since(record.at).as_secs_f64(),
            policy: self.names.get(record.policy).to_string(),
            available_mbps: record.available_bytes_per_s * MBPS_PER_BYTES_PER_S,
            expected_utility: record.expected_utility,
            on_vehicle_utility: record.on_vehicle_utility,
            solve_us: millis(record.solve_time) * 1e3,
        })
    }

    fn link_picture(&self, now: Monotonic) -> Option<LinkPicture> {
        let last = self.windows.links().next_back()?;
        let mut estimates: Vec<f64> = self.windows.links().map(|sample| sample.estimate_bytes_per_s).collect();
        estimates.sort_unstable_by(f64::total_cmp);
        let quantile = |part: f64| {
            let rank = (part * estimates.len() as f64).ceil() as usize;
            estimates.get(rank.saturating_sub(1)).copied().unwrap_or(0.0) * MBPS_PER_BYTES_PER_S
        };
        let LinkRecord { at, range_bytes_per_s, rtt, loss, connections, cwnd_bytes, app_limited, .. } = *last;
        let range = range_bytes_per_s.map(|(low, high)| (low * MBPS_PER_BYTES_PER_S, high * MBPS_PER_BYTES_PER_S));
        Some(LinkPicture {
            age_s: now.saturating_since(at).as_secs_f64(),
            estimate_mbps: last.estimate_bytes_per_s * MBPS_PER_BYTES_PER_S,
            low_mbps: range.map(|(low, _)| low),
            high_mbps: range.map(|(_, high)| high),
            estimate_p10_mbps: quantile(0.1),
            estimate_p50_mbps: quantile(0.5),
            rtt_ms: millis(rtt),
            loss,
            connections,
            cwnd_bytes,
            delivery_mbps: last.delivery_rate_bytes_per_s * MBPS_PER_BYTES_PER_S,
            app_limited,
        })
    }

    fn rings_picture(&self) -> Vec<RingPicture> {
        let threads = self.tracer.dropped_by_thread().map(|(thread, lost)| (thread.to_owned(), lost));
        let named = threads.chain(self.inlets.names().into_iter().zip(self.inlets.losses()));
        let depths = self.tracer.depths().chain(self.inlets.depths());
        let of = |((ring, dropped), depth): ((String, u64), rt_core::trace::emitter::RingDepth)| RingPicture {
            ring,
            capacity: depth.capacity as u64,
            waiting: depth.waiting as u64,
            most_waiting: depth.deepest as u64,
            dropped,
        };
        named.zip(depths).map(of).collect()
    }

    fn losses_picture(&self) -> LossPicture {
        let (logs, frames) = (self.logs.health(), self.logs.frames());
        let events = self.events.health();
        LossPicture {
            records_dropped: self.dropped(),
            rows_lost: logs.rows_lost,
            rows_unprotected: logs.rows_unprotected,
            rows_waiting: logs.rows_waiting,
            frames_lost: frames.lost(),
            events_lost: events.lost,
            events_late: events.late,
            events_expired: events.expired,
            last_error: logs.last_error.or(frames.last_error).or(events.last_error),
        }
    }
}
