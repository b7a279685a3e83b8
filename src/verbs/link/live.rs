//! A link that runs, for `turbo top`: found as cars and clouds are, and told commands at the same socket.

use std::path::Path;
use std::thread::JoinHandle;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::stop::StopToken;
use telemetry::collector::{Collector, Lately, Part};
use telemetry::logs::Logs;
use telemetry::names::Names;
use telemetry::subscribe::{EmulatedPicture, Hub, Picture, WayPicture};
use transport::link::{DirectionSnapshot, LinkHandle, LinkSnapshot};

use crate::failure::Failure;
use crate::live::LiveSockets;

/// A bit for each byte, in millions a second for bytes in a nanosecond.
const MBPS_PER_BYTES_PER_NS: f64 = 8e3;

/// What makes a running link found; ended with [`LiveLink::end`].
pub struct LiveLink {
    sockets: LiveSockets,
    stop: StopToken,
    collector: Option<JoinHandle<()>>,
}

impl LiveLink {
    /// Listens for those who look at the link or tell it something, at `named` as well.
    ///
    /// # Errors
    /// [`Failure::Run`] where `named` cannot be had, or no thread.
    pub fn open(link: &LinkHandle, named: Option<&Path>) -> Result<Self, Failure> {
        let started = ClockAnchor::now();
        let hub = Hub::new("link", env!("CARGO_PKG_VERSION"), started);
        hub.set_state("running");
        let mut collector = Collector::new(started, Names::default(), Logs::none(), &[]);
        collector.publish_events(hub.publisher());
        collector.show_part(Emulated::new(link.clone()));
        let sockets = LiveSockets::open(&hub, link.clone(), named)?;
        let stop = StopToken::default();
        let stopping = stop.clone();
        let thread = std::thread::Builder::new().name("collector".to_owned());
        let collector = thread.spawn(move || drop(collector.run(&stopping))).map_err(Failure::run)?;
        Ok(Self { sockets, stop, collector: Some(collector) })
    }

    /// The link has ended: those who look at it are told.
    pub fn end(mut self) {
        self.stop.set();
        // One that panicked has said so.
        let _ = self.collector.take().map(JoinHandle::join);
        self.sockets.end();
    }
}

/// The link's counters, and what they were.
struct Emulated {
    link: LinkHandle,
    before: Lately<LinkSnapshot>,
}

impl Emulated {
    fn new(link: LinkHandle) -> Self {
        Self { link, before: Lately::default() }
    }
}

impl Part for Emulated {
    fn tick(&mut self, _: Monotonic) {
        self.before.tick(self.link.stats());
        self.link.refresh();
    }

    fn show(&mut self, _: Monotonic, picture: &mut Picture) {
        picture.emulated = Some(emulated(&self.link, &self.link.stats(), self.before.before().as_ref()));
    }
}

fn emulated(link: &LinkHandle, now: &LinkSnapshot, before: Option<&LinkSnapshot>) -> EmulatedPicture {
    EmulatedPicture {
        listen: link.listen_addr().to_string(),
        server: link.server_addr().to_string(),
        up: way(&now.up, before.map(|before| &before.up)),
        down: way(&now.down, before.map(|before| &before.down)),
        clients: now.clients,
        commands: now.commands,
        rebinds: now.rebinds,
    }
}

fn way(now: &DirectionSnapshot, before: Option<&DirectionSnapshot>) -> WayPicture {
    let rate = |bytes: fn(&DirectionSnapshot) -> u64| {
        let before = before.filter(|before| before.counted_at_ns > 0)?;
        let time = now.counted_at_ns.checked_sub(before.counted_at_ns).filter(|time| *time > 0)?;
        Some(bytes(now).saturating_sub(bytes(before)) as f64 / time as f64 * MBPS_PER_BYTES_PER_NS)
    };
    WayPicture {
        rate_mbps: rate(|way| way.capacity_bytes),
        delivered_mbps: rate(|way| way.passed_bytes),
        queue_bytes: now.queue_bytes,
        offered: now.offered_packets,
        delivered: now.passed_packets,
        delivered_bytes: now.passed_bytes,
        dropped: now.dropped_packets(),
        dropped_queue: now.dropped_queue,
        dropped_loss: now.dropped_loss.saturating_add(now.dropped_burst),
        late_1ms: now.late_1ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_between_two_countings_and_unknown_before_there_were_two() {
        let at = |counted_at_ns, capacity_bytes, passed_bytes| DirectionSnapshot {
            counted_at_ns,
            capacity_bytes,
            passed_bytes,
            dropped_loss: 2,
            dropped_burst: 3,
            dropped_queue: 4,
            ..DirectionSnapshot::default()
        };
        let now = at(3_000_000_000, 5_000_000, 1_000_000);
        let way_of = |before: Option<&DirectionSnapshot>| way(&now, before);
        assert_eq!((way_of(None).rate_mbps, way_of(Some(&at(0, 0, 0))).rate_mbps), (None, None));
        assert_eq!(way_of(Some(&now)).rate_mbps, None, "nothing was counted since");
        let two_seconds = way_of(Some(&at(1_000_000_000, 2_500_000, 0)));
        assert_eq!((two_seconds.rate_mbps, two_seconds.delivered_mbps), (Some(10.0), Some(4.0)));
        assert_eq!((two_seconds.dropped, two_seconds.dropped_loss, two_seconds.dropped_queue), (9, 5, 4));
    }
}
