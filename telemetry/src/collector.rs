//! The one thread that is allowed to take its time: it empties every ring and keeps the books.

use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{ThreadCounters, ThreadWatch};
use rt_core::trace::{HopHistograms, Tracer};
use rt_core::wait::{WaitStrategy, Waiter};

use crate::emitter::{Emitter, Inlet};
use crate::events::{Event, EventHealth, EventLog};
use crate::frame_sink::FrameSink;
use crate::frames::FrameHealth;
use crate::live::{LiveLine, LivePrinter};
use crate::logs::Logs;
use crate::names::Names;
use crate::part_writer::LogHealth;
use crate::records::{AllocationRecord, CameraRecord, FrameRecord, ImageRecord, LinkRecord, PingRecord, ServedRecord};
use crate::run_clock::RunClock;
use crate::stats::{RunStats, Windows};
use inlets::{Inlets, Places, add};
use rt_core::trace::traffic::TrafficWatch;
use sampler::Sampler;

mod inlets;
mod picture;
mod sampler;

/// How often the rings are emptied; a ring must hold what its thread emits in several times that.
const POLL: Duration = Duration::from_millis(25);
/// How often, once the end was asked for and the last emitters are still to go.
const POLL_WHILE_ENDING: Duration = Duration::from_millis(2);
/// How long the last emitters may take to go.
const DRAIN_GRACE: Duration = Duration::from_secs(1);
/// How often the live lines are renewed.
const LIVE_EVERY: Duration = Duration::from_secs(1);

/// What is left when the collector ends.
#[derive(Clone, Debug, Default)]
pub struct CollectorReport {
    /// Totals and histograms.
    pub stats: RunStats,
    /// What became of the log rows.
    pub logs: LogHealth,
    /// What became of the raw frames that were to be kept.
    pub frames: FrameHealth,
    /// What became of the event log's events.
    pub events: EventHealth,
    /// Hops that threads stamped by themselves; those of decisions are in [`Self::stats`].
    pub hops: HopHistograms,
    /// Every thread's counters, to be looked at once the threads have ended.
    pub threads: Vec<ThreadWatch>,
    /// Records and stamps lost because a ring was full.
    pub records_dropped: u64,
    /// Requests that this process served (a cloud).
    pub served: u64,
    /// Whether an emitter still existed when the grace of one second was over, so that its last records may be
    /// missing.
    pub cut_short: bool,
}

/// The collector before and while it runs. Make the rings first, move the emitters to their threads, then give
/// [`Collector::run`] a thread of its own.
///
/// ```
/// use rt_core::{clock::ClockAnchor, stop::StopToken};
/// use telemetry::{collector::Collector, logs::Logs, names::Names};
/// let stop = StopToken::default();
/// let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[1]);
/// let emitter = collector.frames(64);
/// let thread = std::thread::spawn({
///     let stop = stop.clone();
///     move || collector.run(&stop)
/// });
/// drop(emitter);
/// stop.set();
/// let report = thread.join().expect("the collector does not panic");
/// assert_eq!(report.stats.total().decisions, 0);
/// ```
pub struct Collector {
    clock: RunClock,
    names: Names,
    logs: Logs,
    inlets: Inlets,
    samplers: Vec<Sampler>,
    events: Option<EventLog>,
    places: Places,
    tracer: Tracer,
    threads: Vec<ThreadWatch>,
    sinks: Vec<Box<dyn FrameSink>>,
    live: Option<LivePrinter>,
    windows: Windows,
    stats: RunStats,
    served_count: u64,
    rows_lost_said: u64,
    unprotected_said: u64,
    frames_lost_said: u64,
    events_lost_said: u64,
    dropped_said: u64,
}

impl Collector {
    /// A collector without rings. `services` are the car's, each of which has a live line from the start.
    #[must_use]
    pub fn new(start: ClockAnchor, names: Names, logs: Logs, services: &[u16]) -> Self {
        Self {
            clock: RunClock::new(start),
            names,
            logs,
            inlets: Inlets::default(),
            samplers: Vec::new(),
            events: None,
            places: Places::default(),
            tracer: Tracer::default(),
            threads: Vec::new(),
            sinks: Vec::new(),
            live: None,
            windows: Windows::of(services),
            stats: RunStats::default(),
            served_count: 0,
            rows_lost_said: 0,
            unprotected_said: 0,
            frames_lost_said: 0,
            events_lost_said: 0,
            dropped_said: 0,
        }
    }

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

    /// Writes every record into `events` as well, in the order of time.
    pub fn log_events(&mut self, events: EventLog) {
        self.events = Some(events);
    }

    /// Has `sink` see every decision.
    pub fn add_sink(&mut self, sink: Box<dyn FrameSink>) {
        self.sinks.push(sink);
    }

    /// Shows live lines, once a second.
    pub fn show(&mut self, printer: LivePrinter) {
        self.live = Some(printer);
    }

    /// Collects until `stop` is set and every emitter is gone (or a second has passed since), then writes the last
    /// parts.
    pub fn run(self, stop: &StopToken) -> CollectorReport {
        self.run_by(stop, &Waiter::new(WaitStrategy::Futex, 1))
    }

    /// The same, waiting as `waiter` waits and beating its heartbeat.
    pub fn run_by(mut self, stop: &StopToken, waiter: &Waiter) -> CollectorReport {
        let bell = Doorbell::futex();
        stop.wakes(&bell);
        self.name_sources();
        let mut window_start = Monotonic::now();
        let mut ending: Option<Monotonic> = None;
        let cut_short = loop {
            let seen = bell.count();
            // Read before the pass: what was emitted before the stop and the emitters' end is then in this pass.
            let finished = self.is_finished();
            self.pass();
            let now = Monotonic::now();
            self.say_losses();
            self.show_picture(now);
            let elapsed = now.saturating_since(window_start);
            if elapsed >= LIVE_EVERY {
                self.show_window(elapsed);
                window_start = now;
            }
            if stop.is_set() {
                let since = *ending.get_or_insert(now);
                if finished {
                    break false;
                }
                if now.saturating_since(since) >= DRAIN_GRACE {
                    break true;
                }
            }
            let pause = if ending.is_some() { POLL_WHILE_ENDING } else { POLL };
            let sample = self.samplers.iter().map(Sampler::due).min();
            waiter.wait(&bell, seen, sample.map_or(now.plus(pause), |due| due.min(now.plus(pause))));
        };
        self.sinks.iter_mut().for_each(|sink| sink.finish());
        self.last_samples();
        self.logs.settle_cameras(&self.clock, true);
        self.logs.finish();
        self.events.iter_mut().for_each(EventLog::finish);
        self.say_losses();
        CollectorReport {
            logs: self.logs.health(),
            frames: self.logs.frames(),
            events: self.events.as_ref().map(EventLog::health).unwrap_or_default(),
            records_dropped: self.dropped(),
            hops: self.tracer.histograms().clone(),
            threads: self.threads,
            stats: self.stats,
            served: self.served_count,
            cut_short,
        }
    }

    /// Every ring's name in the event log: the stamps' threads first.
    fn name_sources(&mut self) {
        let mut names: Vec<String> = self.tracer.dropped_by_thread().map(|(thread, _)| thread.to_owned()).collect();
        self.places = self.inlets.places(names.len());
        names.extend(self.inlets.names());
        self.events.iter_mut().for_each(|events| events.begin(names.clone()));
    }

    fn pass(&mut self) {
        let looked = Monotonic::now();
        self.clock.refresh();
        let Self { clock, names, logs, sinks, windows, stats, served_count, inlets, samplers, events, places, .. } =
            self;
        let mut tell = |source: usize, event: Event| {
            if let Some(events) = events.as_mut() {
                events.push(source, event);
            }
        };
        // Losses are told with the records', from [`Self::dropped`].
        let _ = self.tracer.drain_sources(|place, _, stamp| tell(place, stamp.into()));
        for (place, inlet) in (places.allocations..).zip(&mut inlets.allocations) {
            inlet.drain(|record| {
                tell(place, (&record).into());
                windows.allocation(&record);
                logs.allocation(&record, clock, names);
            });
        }
        for (place, inlet) in (places.links..).zip(&mut inlets.links) {
            inlet.drain(|record| {
                tell(place, (&record).into());
                windows.link(&record);
                logs.link(&record, clock);
            });
        }
        for (place, inlet) in (places.pings..).zip(&mut inlets.pings) {
            inlet.drain(|record| {
                tell(place, (&record).into());
                logs.ping(&record, clock);
            });
        }
        for (place, inlet) in (places.cameras..).zip(&mut inlets.cameras) {
            inlet.drain(|record| {
                tell(place, (&record).into());
                logs.camera(record);
            });
        }
        logs.settle_cameras(clock, false);
        for (place, inlet) in (places.images..).zip(&mut inlets.images) {
            inlet.drain(|record| {
                tell(place, (&record).into());
                logs.image(&record, clock);
            });
        }
        for (place, inlet) in (places.frames..).zip(&mut inlets.frames) {
            inlet.drain(|record| {
                tell(place, (&record).into());
                stats.record(&record);
                windows.frame(&record);
                logs.frame(&record, clock, names);
                sinks.iter_mut().for_each(|sink| sink.frame(&record));
            });
        }
        for (place, inlet) in (places.served..).zip(&mut inlets.served) {
            inlet.drain(|record| {
                tell(place, (&record).into());
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
        let Some(events) = &mut self.events else { return };
        let losses = self.tracer.dropped_by_thread().map(|(_, lost)| lost).chain(self.inlets.losses());
        losses.enumerate().for_each(|(source, lost)| events.dropped(source, lost, now));
        events.settle(looked);
    }

    /// What the transports have carried in all, now that they have ended.
    fn last_samples(&mut self) {
        let Self { samplers, logs, clock, .. } = self;
        let now = Monotonic::now();
        samplers.iter().for_each(|sampler| sampler.look(now, |record| logs.network(&record, clock)));
    }

    fn show_window(&mut self, elapsed: Duration) {
        let mut lines = Vec::new();
        self.windows.close(|service, window| {
            if self.live.is_some() {
                lines.push(LiveLine::of(service, window, elapsed, &self.names).to_string());
            }
        });
        if let Some(printer) = &mut self.live {
            printer.print(&lines);
        }
    }

    /// Lost data is said once when it begins and whenever it has doubled, not once a pass.
    fn say_losses(&mut self) {
        let health = self.logs.health();
        if health.rows_lost > self.rows_lost_said.saturating_mul(2) {
            self.rows_lost_said = health.rows_lost;
            let reason = health.last_error.as_deref().unwrap_or_default();
            self.say(&format!("logs: {} rows lost so far: {reason}", health.rows_lost));
        }
        if health.rows_unprotected > self.unprotected_said.saturating_mul(2) {
            self.unprotected_said = health.rows_unprotected;
            let reason = health.last_error.as_deref().unwrap_or_default();
            let rows = health.rows_unprotected;
            self.say(&format!("logs: {rows} rows so far that a crash before their part would have lost: {reason}"));
        }
        let frames = self.logs.frames();
        if frames.lost() > self.frames_lost_said.saturating_mul(2) {
            self.frames_lost_said = frames.lost();
            let FrameHealth { no_room, failed, last_error, .. } = frames;
            let refused = last_error.map(|error| format!(" ({error})")).unwrap_or_default();
            self.say(&format!(
                "raw frames: {no_room} not kept so far as the disk is too slow, {failed} refused{refused}"
            ));
        }
        let events = self.events.as_ref().map(EventLog::health).unwrap_or_default();
        if events.lost > self.events_lost_said.saturating_mul(2) {
            self.events_lost_said = events.lost;
            let reason = events.last_error.unwrap_or_default();
            self.say(&format!("event log: {} events lost so far: {reason}", events.lost));
        }
        let dropped = self.dropped();
        if dropped > self.dropped_said.saturating_mul(2) {
            self.dropped_said = dropped;
            self.say(&format!("telemetry: {dropped} records lost so far: a ring was full"));
        }
    }

    fn say(&mut self, what: &str) {
        self.note_loss(what);
        match &mut self.live {
            Some(printer) => printer.note(what),
            None => eprintln!("{what}"),
        }
    }

    fn dropped(&self) -> u64 {
        self.inlets.dropped() + self.tracer.dropped()
    }

    fn is_finished(&self) -> bool {
        self.inlets.are_abandoned() && self.tracer.is_abandoned()
    }
}
