//! The one thread that is allowed to take its time: it empties every ring and keeps the books.

use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{ThreadCounters, ThreadWatch};
use rt_core::trace::{HopHistograms, Tracer};
use rt_core::wait::{WaitStrategy, Waiter};

use crate::emitter::{Emitter, Inlet, ring};
use crate::frame_sink::FrameSink;
use crate::live::{LiveLine, LivePrinter};
use crate::logs::Logs;
use crate::names::Names;
use crate::part_writer::LogHealth;
use crate::records::{AllocationRecord, FrameRecord, LinkRecord, ServedRecord};
use crate::run_clock::RunClock;
use crate::stats::{RunStats, Windows};

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
    frames: Vec<Inlet<FrameRecord>>,
    links: Vec<Inlet<LinkRecord>>,
    allocations: Vec<Inlet<AllocationRecord>>,
    served: Vec<Inlet<ServedRecord>>,
    tracer: Tracer,
    threads: Vec<ThreadWatch>,
    sinks: Vec<Box<dyn FrameSink>>,
    live: Option<LivePrinter>,
    windows: Windows,
    stats: RunStats,
    served_count: u64,
    rows_lost_said: u64,
    unprotected_said: u64,
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
            frames: Vec::new(),
            links: Vec::new(),
            allocations: Vec::new(),
            served: Vec::new(),
            tracer: Tracer::default(),
            threads: Vec::new(),
            sinks: Vec::new(),
            live: None,
            windows: Windows::of(services),
            stats: RunStats::default(),
            served_count: 0,
            rows_lost_said: 0,
            unprotected_said: 0,
            dropped_said: 0,
        }
    }

    /// A ring for decisions (one per service thread); about 3.5 kB a record.
    pub fn frames(&mut self, capacity: usize) -> Emitter<FrameRecord> {
        add(&mut self.frames, capacity)
    }

    /// A ring for samples of the link.
    pub fn links(&mut self, capacity: usize) -> Emitter<LinkRecord> {
        add(&mut self.links, capacity)
    }

    /// A ring for allocations.
    pub fn allocations(&mut self, capacity: usize) -> Emitter<AllocationRecord> {
        add(&mut self.allocations, capacity)
    }

    /// A ring for served requests (one per worker thread).
    pub fn served(&mut self, capacity: usize) -> Emitter<ServedRecord> {
        add(&mut self.served, capacity)
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
        let mut window_start = Monotonic::now();
        let mut ending: Option<Monotonic> = None;
        let cut_short = loop {
            let seen = bell.count();
            // Read before the pass: what was emitted before the stop and the emitters' end is then in this pass.
            let finished = self.is_finished();
            self.pass();
            let now = Monotonic::now();
            self.say_losses();
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
            waiter.wait(&bell, seen, now.plus(pause));
        };
        self.sinks.iter_mut().for_each(|sink| sink.finish());
        self.logs.finish();
        self.say_losses();
        CollectorReport {
            logs: self.logs.health(),
            records_dropped: self.dropped(),
            hops: self.tracer.histograms().clone(),
            threads: self.threads,
            stats: self.stats,
            served: self.served_count,
            cut_short,
        }
    }

    fn pass(&mut self) {
        self.clock.refresh();
        // Losses are told with the records', from [`Self::dropped`].
        let _ = self.tracer.drain();
        let Self { clock, names, logs, sinks, windows, stats, served_count, .. } = self;
        for inlet in &mut self.allocations {
            inlet.drain(|record| {
                windows.allocation(&record);
                logs.allocation(&record, clock, names);
            });
        }
        for inlet in &mut self.links {
            inlet.drain(|record| logs.link(&record, clock));
        }
        for inlet in &mut self.frames {
            inlet.drain(|record| {
                stats.record(&record);
                windows.frame(&record);
                logs.frame(&record, clock, names);
                sinks.iter_mut().for_each(|sink| sink.frame(&record));
            });
        }
        for inlet in &mut self.served {
            inlet.drain(|record| {
                *served_count += 1;
                logs.served(&record, clock, names);
            });
        }
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
        let dropped = self.dropped();
        if dropped > self.dropped_said.saturating_mul(2) {
            self.dropped_said = dropped;
            self.say(&format!("telemetry: {dropped} records lost so far: a ring was full"));
        }
    }

    fn say(&mut self, what: &str) {
        match &mut self.live {
            Some(printer) => printer.note(what),
            None => eprintln!("{what}"),
        }
    }

    fn dropped(&self) -> u64 {
        fn of<T>(inlets: &[Inlet<T>]) -> u64 {
            inlets.iter().map(Inlet::dropped).sum()
        }
        of(&self.frames) + of(&self.links) + of(&self.allocations) + of(&self.served) + self.tracer.dropped()
    }

    fn is_finished(&self) -> bool {
        fn of<T>(inlets: &[Inlet<T>]) -> bool {
            inlets.iter().all(Inlet::is_abandoned)
        }
        of(&self.frames) && of(&self.links) && of(&self.allocations) && of(&self.served) && self.tracer.is_abandoned()
    }
}

fn add<T: Send>(inlets: &mut Vec<Inlet<T>>, capacity: usize) -> Emitter<T> {
    let (emitter, inlet) = ring(capacity);
    inlets.push(inlet);
    emitter
}
