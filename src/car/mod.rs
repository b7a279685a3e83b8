//! The car's process: threads joined by rings and mailboxes, started and stopped in order.

mod allocator;
mod capture;
mod detector;
mod encoder;
mod messages;
mod pending;
mod plan;
mod service;
mod sinks;
mod sources;
mod tuning;
mod wiring;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use config::car::CarProfile;
use config::table::UtilityTable;
use config::{Profile, car::HugePages as WantedPages};
use inference::detector::Detector;
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::memory::arena::HugePages;
use rt_core::stop::StopToken;
use rt_core::threads::{Thread, ThreadEnd, ThreadSpec, spawn};
use telemetry::collector::{Collector, CollectorReport};
use telemetry::live::LivePrinter;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_dir::{Role, RunDirs, Subdirs};
use telemetry::run_info::RunInfo;
use telemetry::summary::{Summary, SummaryContext};
use transport::car::LinkEvent;

use crate::core_map;
use crate::failure::Failure;
use crate::signals::stop_on_signals;
use crate::verbs::car::CarArgs;
use plan::Plan;
use sinks::{Overlays, Scorer, Scores};
use wiring::Wiring;

/// How often the main thread looks after link events and the clock.
const MAIN_PERIOD: Duration = Duration::from_millis(100);

/// Runs the car until its time is up, a signal comes or a thread fails.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &CarArgs) -> Result<(), Failure> {
    let started = ClockAnchor::now();
    let stop = StopToken::default();
    stop_on_signals(&stop)?;
    let profile = tuning::profile(args)?;
    let detector = Detector::load(&profile.vehicle.model, 1).map_err(Failure::config)?;
    for assumption in &detector.info().assumed {
        eprintln!("turbo: {}: {assumption}", profile.vehicle.model.display());
    }
    let table = UtilityTable::load(&profile.allocation.table).map_err(Failure::config)?;
    let names = Names::default();
    let plan = Plan::new(&table, &args.cloud_models, &names)?;
    let vehicle_classes = detector.info().classes.clone();
    let vocabulary = Arc::new(std::sync::Mutex::new(vehicle_classes.clone()));

    let mut sources = sources::open(&profile, args.tuning.seed.unwrap_or(1))?;
    let dirs =
        RunDirs::create(&profile.run.output_dir, started, Role::CAR, &Subdirs::default()).map_err(Failure::run)?;
    let service_ids: Vec<u16> = (1..).take(sources.len()).collect();
    let mut collector =
        Collector::new(started, names.clone(), Logs::new(&dirs, &service_ids, log_options(&profile)), &service_ids);
    let scores = Scores::default();
    let mut pictures = Vec::new();
    let mut cameras = Vec::new();
    let mut truths = Vec::new();
    for source in sources.drain(..) {
        cameras.push(source.camera);
        truths.push(source.truth);
        pictures.push(source.pictures);
    }
    collector.add_sink(Box::new(Scorer::new(truths, &vehicle_classes, scores.clone())));
    if let Some(dir) = &args.tuning.save_overlays {
        std::fs::create_dir_all(dir)
            .map_err(|error| Failure::Config(format!("--save-overlays {}: {error}", dir.display())))?;
        let vocabulary = Arc::clone(&vocabulary);
        collector.add_sink(Box::new(Overlays { dir: dir.clone(), pictures, vocabulary, failed: false }));
    }
    // With --json the one object has standard output to itself.
    collector.show(if args.tuning.json { LivePrinter::stderr() } else { LivePrinter::stdout() });

    let captured = Arc::new(AtomicU64::new(0));
    let halt = StopToken::default();
    let wired = wiring::wire(&profile, cameras, plan, &names, &vocabulary, &mut collector, &captured)?;
    let Wiring { capture, encoders, services, detector_lanes, detector_bell, detector_counters, .. } = wired;
    let Wiring { allocator, endpoint, link_events, memory, .. } = wired;

    let largest = wiring::largest_frame(&capture);
    let strictness = core_map::strictness(profile.threads.mode);
    let entries = &profile.threads;
    let start = |spec: &ThreadSpec, body: Box<dyn FnOnce() -> Result<(), String> + Send>| {
        spawn(spec, strictness, &stop, body).map_err(Failure::run)
    };
    let (report_in, report) = sync_channel::<CollectorReport>(1);
    let collector_halt = halt.clone();
    let mut late_threads = vec![start(
        &core_map::spec(&entries.collector, "collector".to_owned()),
        Box::new(move || report_in.send(collector.run(&collector_halt)).map_err(|error| error.to_string())),
    )?];
    if let Some((endpoint, bell)) = endpoint {
        let halt = halt.clone();
        let body = move || transport::car::run_car(endpoint, &halt, bell).map_err(|error| error.to_string());
        late_threads.push(start(&core_map::spec(&entries.transport, "transport".to_owned()), Box::new(body))?);
    }
    let token = halt.clone();
    let spec = core_map::spec(&entries.allocator, "allocator".to_owned());
    late_threads.push(start(&spec, Box::new(move || allocator.run(&token)))?);
    let token = halt.clone();
    let spec = core_map::spec(&entries.detector, "detector".to_owned());
    late_threads.push(start(
        &spec,
        Box::new(move || detector::run(detector, largest, detector_lanes, &detector_bell, detector_counters, &token)),
    )?);
    for (encoder, number) in encoders.into_iter().zip(1..) {
        let token = halt.clone();
        let spec = core_map::spec(&entries.encoder, format!("encoder-{number}"));
        late_threads.push(start(&spec, Box::new(move || encoder.run(&token)))?);
    }
    let mut service_threads = Vec::new();
    for (service, number) in services.into_iter().zip(1..) {
        let token = halt.clone();
        let spec = core_map::spec(&entries.service, format!("service-{number}"));
        service_threads.push(start(&spec, Box::new(move || service.run(&token)))?);
    }
    let mut capture_threads = Vec::new();
    for (camera, number) in capture.into_iter().zip(1..) {
        let token = stop.clone();
        let spec = core_map::spec(&entries.capture, format!("capture-{number}"));
        capture_threads.push(start(&spec, Box::new(move || camera.run(&token)))?);
    }

    let core_map: Vec<String> = late_threads
        .iter()
        .chain(&service_threads)
        .chain(&capture_threads)
        .map(|thread| thread.granted.to_string())
        .collect();
    for line in &core_map {
        eprintln!("thread {line}");
    }
    for line in &memory {
        eprintln!("memory {line}");
    }
    write_info(&profile, &dirs, started, &core_map, &memory)?;

    supervise(args.tuning.run_for, &stop, link_events);

    // Cameras first, then every frame they captured gets its decision, then the rest.
    stop.set();
    let mut failures = join(capture_threads);
    failures.extend(join(service_threads));
    halt.set();
    failures.extend(join(late_threads));

    if let Ok(report) = report.try_recv() {
        let context = SummaryContext {
            frames: captured.load(Ordering::Relaxed),
            slo: Duration::from_secs_f64(profile.services.first().map_or(0.0, |service| service.slo_ms) * 1e-3),
            accuracy: scores.finish(),
            run_dir: dirs.run(Role::Client).map(|dir| dir.display().to_string()).unwrap_or_default(),
        };
        let mut hops = report.stats.total().hops;
        hops += &report.hops;
        failures.extend(dirs.write_trace(&hops, &report.threads).err().map(|error| error.to_string()));
        let summary = Summary::new(&report, &context);
        if args.tuning.json {
            println!("{}", serde_json::to_string(&summary).map_err(Failure::run)?);
        } else {
            println!("{}", summary.table(&report));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::Run(failures.join("\n"))) }
}

/// Waits for the end of the run's time or for the stop token, telling what happens to the link meanwhile.
fn supervise(run_for: Option<Duration>, stop: &StopToken, mut events: Option<rtrb::Consumer<LinkEvent>>) {
    let end = run_for.map(|length| Monotonic::now().plus(length));
    let bell = Doorbell::futex();
    stop.wakes(&bell);
    let mut last_failure = None;
    loop {
        let seen = bell.count();
        while let Some(event) = events.as_mut().and_then(|events| events.pop().ok()) {
            match event {
                LinkEvent::Connected => eprintln!("link: connected to the cloud"),
                LinkEvent::Lost { reason } => eprintln!("link: lost: {reason}; the car decides alone"),
                LinkEvent::Refused { reason } => eprintln!("link: the cloud refuses this car: {reason}"),
                // Attempts go on for ever; the same reason is told once.
                LinkEvent::Failed { reason } if last_failure.as_ref() != Some(&reason) => {
                    eprintln!("link: no connection: {reason}; trying on, the car decides alone");
                    last_failure = Some(reason);
                }
                LinkEvent::Failed { .. } => {}
                LinkEvent::RepliesDropped { count } => eprintln!("link: {count} results had no room in their ring"),
            }
        }
        let now = Monotonic::now();
        if stop.is_set() || end.is_some_and(|end| now >= end) {
            return;
        }
        let next = now.plus(MAIN_PERIOD);
        bell.wait_until(seen, end.map_or(next, |end| end.min(next)));
    }
}

fn join(threads: Vec<Thread>) -> Vec<String> {
    let ends = threads.into_iter().map(Thread::join);
    ends.filter_map(|(name, end)| match end {
        ThreadEnd::Done => None,
        ThreadEnd::Failed(reason) => Some(format!("{name}: {reason}")),
        ThreadEnd::Panicked(message) => Some(format!("{name} panicked: {message}")),
    })
    .collect()
}

fn log_options(profile: &CarProfile) -> LogOptions {
    let rows = |count: u32| std::num::NonZeroUsize::new(count as usize).unwrap_or(std::num::NonZeroUsize::MIN);
    LogOptions {
        client_queries_max_entries: rows(profile.run.max_entries.client_queries),
        bandwidth_max_entries: rows(profile.run.max_entries.bandwidth_stat_log),
        allocation_max_entries: rows(profile.run.max_entries.allocation_stat_log),
        bandwidth: profile.run.client_enable_bw_stat_log,
        allocation: profile.run.client_enable_allocation_stat_log,
        ..LogOptions::default()
    }
}

fn huge_pages(wanted: WantedPages) -> HugePages {
    match wanted {
        WantedPages::Require => HugePages::Require,
        WantedPages::Prefer => HugePages::Prefer,
        WantedPages::Never => HugePages::Never,
    }
}

fn write_info(
    profile: &CarProfile,
    dirs: &RunDirs,
    started: ClockAnchor,
    core_map: &[String],
    memory: &[String],
) -> Result<(), Failure> {
    let command: Vec<String> = std::env::args().collect();
    let configuration = serde_json::to_string_pretty(profile).map_err(Failure::run)?;
    dirs.write_info(&RunInfo {
        version: env!("CARGO_PKG_VERSION"),
        git_revision: None,
        command: &command,
        configuration: &configuration,
        core_map: &core_map,
        memory: &memory,
        started,
    })
    .map_err(Failure::run)
}
