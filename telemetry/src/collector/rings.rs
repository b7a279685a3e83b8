//! What is joined to a collector before it runs: rings, clocks, sinks, and what snapshots are to show.

use std::time::Duration;

use rt_core::depth::DepthWatch;
use rt_core::trace::Tracer;
use rt_core::trace::counters::{ThreadCounters, ThreadWatch};
use rt_core::trace::traffic::TrafficWatch;

use super::inlets::add;
use super::sampler::Sampler;
use super::{Collector, Part};
use crate::emitter::{Emitter, Inlet};
use crate::events::EventLog;
use crate::frame_sink::FrameSink;
use crate::live::LivePrinter;
use crate::records::{AllocationRecord, CameraRecord, FrameRecord, ImageRecord, LinkRecord, PingRecord, ServedRecord};
use crate::subscribe::Publisher;

impl Collector {
    /// A ring for decisions (one per service thread); about 3.5 kB a record.
    pub fn frames(&mut self, capacity: usize) -> Emitter<FrameRecord> {
        add(&mut self.inlets.frames, capacity)
    }

    /// A ring for captured frames (one per camera); frames to be kept travel with their records.
    pub fn cameras(&mut self, capacity: usize) -> Emitter<CameraRecord> {
        add(&mut self.inlets.cameras, capacity)
    }

    /// A ring for pings.
    pub fn pings(&mut self, capacity: usize) -> Emitter<PingRecord> {
        add(&mut self.inlets.pings, capacity)
    }

    /// A ring for images on their way through a transport.
    pub fn images(&mut self, capacity: usize) -> Emitter<ImageRecord> {
        add(&mut self.inlets.images, capacity)
    }

    /// Takes images from a ring that was made before this collector.
    pub fn hear_images(&mut self, images: Inlet<ImageRecord>) {
        self.inlets.images.push(images);
    }

    /// Looks at a transport's bytes every `interval` from now on.
    pub fn sample(&mut self, watch: TrafficWatch, interval: Duration) {
        self.samplers.push(Sampler::new(watch, interval));
    }

    /// A ring for samples of the link.
    pub fn links(&mut self, capacity: usize) -> Emitter<LinkRecord> {
        add(&mut self.inlets.links, capacity)
    }

    /// A ring for allocations.
    pub fn allocations(&mut self, capacity: usize) -> Emitter<AllocationRecord> {
        add(&mut self.inlets.allocations, capacity)
    }

    /// A ring for served requests (one per worker thread).
    pub fn served(&mut self, capacity: usize) -> Emitter<ServedRecord> {
        add(&mut self.inlets.served, capacity)
    }

    /// Takes what `tracer`'s stampers stamp; in place of one given before.
    pub fn trace(&mut self, tracer: Tracer) {
        self.tracer = tracer;
    }

    /// Counters for the thread called `thread`.
    pub fn counters(&mut self, thread: impl Into<String>) -> ThreadCounters {
        let (counters, watch) = ThreadCounters::new(thread);
        self.watch(watch);
        counters
    }

    /// Reports the counters of a thread that has them already.
    pub fn watch(&mut self, watch: ThreadWatch) {
        self.threads.push(watch);
    }

    /// Shows how full the hand-over of `what` between two threads is.
    pub fn watch_handover(&mut self, what: &str, from: &str, to: &str, watch: DepthWatch) {
        self.handovers.add(what, from, to, watch);
    }

    /// Shows a part of the process that the collector knows nothing of.
    pub fn show_part(&mut self, part: impl Part + 'static) {
        self.parts.push(Box::new(part));
    }

    /// Writes every record into `events` as well, in the order of time.
    pub fn log_events(&mut self, events: EventLog) {
        self.events.log(events);
    }

    /// Tells every record's event to `live`'s subscribers, in the order of time, whether there is a log or not.
    pub fn publish_events(&mut self, live: Publisher) {
        self.events.publish(live);
    }

    /// Has `sink` see every decision.
    pub fn add_sink(&mut self, sink: Box<dyn FrameSink>) {
        self.sinks.push(sink);
    }

    /// Shows live lines, once a second.
    pub fn show(&mut self, printer: LivePrinter) {
        self.live = Some(printer);
    }
}
