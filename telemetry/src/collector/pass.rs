//! One pass over all rings.

use rt_core::clock::Monotonic;

use super::Collector;
use crate::events::Event;

impl Collector {
    /// Takes everything that the rings hold to wherever it belongs.
    pub(super) fn pass(&mut self) {
        let looked = Monotonic::now();
        self.clock.refresh();
        let Self { clock, names, logs, sinks, windows, stats, served_count, inlets, samplers, events, places, .. } =
            self;
        // Losses are told with the records', from [`Self::dropped`].
        let _ = self.tracer.drain_slices(|place, _, stamps| events.extend(place, stamps.iter().map(Event::from)));
        for (place, inlet) in (places.allocations..).zip(&mut inlets.allocations) {
            inlet.drain(|record| {
                events.push(place, &record);
                windows.allocation(&record);
                logs.allocation(&record, clock, names);
            });
        }
        for (place, inlet) in (places.links..).zip(&mut inlets.links) {
            inlet.drain(|record| {
                events.push(place, &record);
                windows.link(&record);
                logs.link(&record, clock);
            });
        }
        for (place, inlet) in (places.pings..).zip(&mut inlets.pings) {
            inlet.drain(|record| {
                events.push(place, &record);
                logs.ping(&record, clock);
            });
        }
        for (place, inlet) in (places.cameras..).zip(&mut inlets.cameras) {
            inlet.drain(|record| {
                events.push(place, &record);
                logs.camera(record);
            });
        }
        logs.settle_cameras(clock, false);
        for (place, inlet) in (places.images..).zip(&mut inlets.images) {
            inlet.drain(|record| {
                events.push(place, &record);
                logs.image(&record, clock);
            });
        }
        for (place, inlet) in (places.frames..).zip(&mut inlets.frames) {
            inlet.drain(|record| {
                events.push(place, &record);
                stats.record(&record);
                windows.frame(&record);
                logs.frame(&record, clock, names);
                sinks.iter_mut().for_each(|sink| sink.frame(&record));
            });
        }
        for (place, inlet) in (places.served..).zip(&mut inlets.served) {
            inlet.drain(|record| {
                events.push(place, &record);
                *served_count += 1;
                logs.served(&record, clock, names);
            });
        }
        let now = Monotonic::now();
        for sampler in samplers {
            sampler.sample(now, |record| logs.network(&record, clock));
        }
        self.settle_events(looked, now);
    }

    /// A lost record is an event itself.
    fn settle_events(&mut self, looked: Monotonic, now: Monotonic) {
        let losses = self.tracer.dropped_by_thread().map(|(_, lost)| lost).chain(self.inlets.losses());
        losses.enumerate().for_each(|(source, lost)| self.events.dropped(source, lost, now));
        self.events.settle(looked);
    }
}
