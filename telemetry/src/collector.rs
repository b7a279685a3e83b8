//! The one thread that is allowed to take its time: it empties every ring and keeps the books.

mod handovers;
mod inlets;
mod losses;
mod part;
mod pass;
mod picture;
mod report;
mod rings;
mod sampler;

use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use rt_core::trace::Tracer;
use rt_core::trace::counters::ThreadWatch;
use rt_core::wait::{WaitStrategy, Waiter};

use crate::console;
use crate::events::EventStream;
use crate::frame_sink::FrameSink;
use crate::live::{LiveLine, LivePrinter};
use crate::logs::Logs;
use crate::names::Names;
use crate::run_clock::RunClock;
use crate::stats::{RunStats, Windows};
use handovers::Handovers;
use inlets::{Inlets, Places};
use losses::Losses;
use sampler::Sampler;

pub use part::{Lately, Part};
pub use report::CollectorReport;

/// How often the rings are emptied; a ring must hold what its thread emits in several times that.
const POLL: Duration = Duration::from_millis(25);
/// How often, once the end was asked for and the last emitters are still to go.
const POLL_WHILE_ENDING: Duration = Duration::from_millis(2);
/// How long the last emitters may take to go.
const DRAIN_GRACE: Duration = Duration::from_secs(1);
/// How often the live lines are renewed.
const LIVE_EVERY: Duration = Duration::from_secs(1);

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
    events: EventStream,
    places: Places,
    tracer: Tracer,
    threads: Vec<ThreadWatch>,
    sinks: Vec<Box<dyn FrameSink>>,
    live: Option<LivePrinter>,
    windows: Windows,
    stats: RunStats,
    served_count: u64,
    losses: Losses,
    handovers: Handovers,
    parts: Vec<Box<dyn Part>>,
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
            events: EventStream::default(),
            places: Places::default(),
            tracer: Tracer::default(),
            threads: Vec::new(),
            sinks: Vec::new(),
            live: None,
            windows: Windows::of(services),
            stats: RunStats::default(),
            served_count: 0,
            losses: Losses::default(),
            handovers: Handovers::default(),
            parts: Vec::new(),
        }
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
                self.parts().for_each(|part| part.tick(now));
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
        self.events.finish();
        self.say_losses();
        CollectorReport {
            logs: self.logs.health(),
            frames: self.logs.frames(),
            events: self.events.health(),
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
        self.events.begin(names);
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

    fn say_losses(&mut self) {
        let (logs, frames, events) = (self.logs.health(), self.logs.frames(), self.events.health());
        for line in self.losses.lines(&logs, &frames, &events, self.dropped()) {
            self.note_loss(&line);
            match &mut self.live {
                Some(printer) => printer.note(&line),
                None => console::say(&line),
            }
        }
    }

    /// What the snapshots tell of beside the collector's own.
    fn parts(&mut self) -> impl Iterator<Item = &mut dyn Part> {
        let parts = self.parts.iter_mut().map(|part| &mut **part as &mut dyn Part);
        std::iter::once(&mut self.handovers as &mut dyn Part).chain(parts)
    }

    fn dropped(&self) -> u64 {
        self.inlets.dropped() + self.tracer.dropped()
    }

    fn is_finished(&self) -> bool {
        self.inlets.are_abandoned() && self.tracer.is_abandoned()
    }
}
