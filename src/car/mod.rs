//! The car's process: threads joined by rings and mailboxes, started and stopped in order.

mod allocator;
mod attention;
mod brain;
mod capture;
mod check;
mod control;
mod detector;
mod drift;
mod drive;
mod encoder;
mod handover;
mod lessons;
mod messages;
mod models;
mod notices;
mod observer;
mod peer;
mod pending;
mod ping;
mod plan;
mod service;
mod sinks;
mod sources;
mod status;
mod subsystems;
mod supervise;
mod tuning;
mod wiring;

use std::io::Write;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use config::car::HugePages as WantedPages;
use config::car::{CarProfile, RunConfig, SaveFrames as Wanted};
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Supervisor;
use rt_core::memory::arena::HugePages;
use rt_core::stop::StopToken;
use telemetry::collector::Collector;
use telemetry::frames::SaveFrames;
use telemetry::live::LivePrinter;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_dir::{Role, RunDirs, Subdirs};
use telemetry::run_info::RunInfo;
use telemetry::subscribe::Hub;
use telemetry::summary::{Summary, SummaryContext};

use crate::event_log::event_log;
use crate::failure::Failure;
use crate::live::LiveSockets;
use crate::signals::stop_or_renew_on_signals;
use crate::state_log::StateLog;
use crate::verbs::car::CarArgs;
use crate::verbs::recover::recover_earlier_runs;
use brain::Mind;
pub use check::check;
use models::Models;
use sinks::{Overlays, Scorer, Scores};
use supervise::{LinkTeller, Rounds};
use wiring::Wiring;

/// Runs the car until its time is up, a signal comes or something is lost that it cannot do without.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &CarArgs) -> Result<(), Failure> {
    let started = ClockAnchor::now();
    let hub = Hub::new("car", env!("CARGO_PKG_VERSION"), started);
    let stop = StopToken::default();
    let hangup = stop_or_renew_on_signals(&stop)?;
    let profile = tuning::profile(args)?;
    let names = Names::default();
    let Models { detector, table, plan } =
        Models::load(&profile, &args.cloud_models, args.tuning.vehicle_model.is_some(), &names)?;
    let Mind { brain, observer, mut notices, control } = brain::make(&profile, plan, &table, &names, &hub)?;
    let vehicle_classes = detector.info().classes.clone();
    let vocabulary = Arc::new(std::sync::Mutex::new(vehicle_classes.clone()));

    let mut sources = sources::open(&profile, args.tuning.seed.unwrap_or(1))?;
    recover_earlier_runs(profile.run.output_dir.clone());
    let dirs =
        RunDirs::create(&profile.run.output_dir, started, Role::CAR, &Subdirs::default()).map_err(Failure::run)?;
    let service_ids: Vec<u16> = (1..).take(sources.len()).collect();
    let mut collector =
        Collector::new(started, names.clone(), Logs::new(&dirs, &service_ids, log_options(&profile)), &service_ids);
    if let Some(events) = event_log(&dirs, Role::Client, profile.run.event_log_quota_mib, started) {
        collector.log_events(events);
    }
    collector.publish_events(hub.publisher());
    if let Some(run_dir) = dirs.run(Role::Client) {
        hub.settle(run_dir, profile.services.iter().map(|service| service.name.clone()).collect());
    }
    let scores = Scores::default();
    let mut pictures = Vec::new();
    let mut cameras = Vec::new();
    let mut truths = Vec::new();
    for source in sources.drain(..) {
        cameras.push(source.camera);
        truths.push(source.truth);
        pictures.push(source.pictures);
    }
    collector.add_sink(Box::new(observer));
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
    let Wiring { threads, link_events, credentials, memory } =
        wiring::wire(&profile, cameras, brain, &names, &vocabulary, &mut collector, &captured)?;
    let sockets = LiveSockets::open(&hub, control, profile.control.as_deref())?;
    let bell = Doorbell::futex();
    stop.wakes(&bell);
    let (report_in, report) = sync_channel(1);
    let subsystems = subsystems::make(&profile, threads, detector, collector, report_in, &bell)?;
    let log = StateLog::new(&hub);
    let mut supervisor = Supervisor::new(subsystems, log.teller()).map_err(Failure::run)?;
    supervisor.initialise(Monotonic::now()).map_err(Failure::run)?;

    let core_map: Vec<String> = supervisor.threads().map(|thread| thread.granted.to_string()).collect();
    for line in &core_map {
        telemetry::say!("thread {line}");
    }
    for line in &memory {
        telemetry::say!("memory {line}");
    }
    write_info(&profile, &dirs, started, &core_map, &memory)?;
    keep_table(&profile, &dirs)?;

    supervisor.run(Monotonic::now()).map_err(Failure::run)?;
    let run_for = args.tuning.run_for;
    let link = LinkTeller::new(link_events, hub.clone());
    let state =
        Rounds { stop, bell, run_for, link, allocator: &mut notices, hangup, credentials }.make(&mut supervisor);
    notices.tell();

    if let Ok(report) = report.try_recv() {
        let context = SummaryContext {
            frames: captured.load(Ordering::Relaxed),
            slo: Duration::from_secs_f64(profile.services.first().map_or(0.0, |service| service.slo_ms) * 1e-3),
            accuracy: scores.finish(),
            run_dir: dirs.run(Role::Client).map(|dir| dir.display().to_string()).unwrap_or_default(),
        };
        let mut hops = report.stats.total().hops;
        hops += &report.hops;
        if let Err(error) = dirs.write_trace(&hops, &report.threads) {
            telemetry::say!("turbo: {error}");
        }
        let summary = Summary::new(&report, &context);
        if args.tuning.json {
            show(&serde_json::to_string(&summary).map_err(Failure::run)?);
        } else {
            show(&summary.table(&report).to_string());
        }
    } else {
        telemetry::say!("turbo: the collector was lost, and with it the summary");
    }
    // Last, so that nothing else waits for subscribers.
    sockets.end();
    log.outcome(state)
}

/// Prints what is left of a run that is over; where nobody takes it, the run was none the worse.
fn show(summary: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{summary}") {
        telemetry::say!("turbo: the summary cannot be printed: {error}");
    }
}

fn log_options(profile: &CarProfile) -> LogOptions {
    let rows = |count: u32| std::num::NonZeroUsize::new(count as usize).unwrap_or(std::num::NonZeroUsize::MIN);
    let (run, entries) = (&profile.run, &profile.run.max_entries);
    LogOptions {
        client_queries_max_entries: rows(entries.client_queries),
        camera_contexts_max_entries: rows(entries.camera_contexts),
        ping_max_entries: rows(entries.ping_loop),
        bandwidth_max_entries: rows(entries.bandwidth_stat_log),
        allocation_max_entries: rows(entries.allocation_stat_log),
        network_max_entries: rows(entries.network_stat_log),
        image_context_max_entries: rows(entries.image_context_log),
        client_queries: run.client_queries,
        camera_contexts: run.camera_contexts,
        ping_loop: run.ping_loop,
        bandwidth: run.client_enable_bw_stat_log,
        allocation: run.client_enable_allocation_stat_log,
        network: run.client_enable_network_stat_log,
        images_outgoing: run.client_enable_outgoing_image_context_log,
        images_incoming: run.client_enable_incoming_image_context_log,
        ..LogOptions::default()
    }
}

/// Without log type 2 nothing says which frames the files are.
fn save_frames(run: &RunConfig) -> SaveFrames {
    match run.save_frames {
        _ if !run.camera_contexts => SaveFrames::None,
        Wanted::All => SaveFrames::All,
        Wanted::Every(n) => NonZeroU32::new(n).map_or(SaveFrames::None, SaveFrames::Every),
        Wanted::None => SaveFrames::None,
    }
}

/// What a profile wants, in terms of the arena.
pub fn huge_pages(wanted: WantedPages) -> HugePages {
    match wanted {
        WantedPages::Require => HugePages::Require,
        WantedPages::Prefer => HugePages::Prefer,
        WantedPages::Never => HugePages::Never,
    }
}

/// The utility table as it was, in the run's directory: without it the run could not be simulated again.
pub const TABLE_FILE: &str = "table.yaml";

fn keep_table(profile: &CarProfile, dirs: &RunDirs) -> Result<(), Failure> {
    let Some(dir) = dirs.run(Role::Client) else { return Ok(()) };
    let (from, to) = (&profile.allocation.table, dir.join(TABLE_FILE));
    std::fs::copy(from, &to).map(drop).map_err(|error| {
        Failure::Run(format!("cannot copy the utility table {} to {}: {error}", from.display(), to.display()))
    })
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
        git_revision: option_env!("TURBO_GIT_REVISION"),
        command: &command,
        configuration: &configuration,
        core_map: &core_map,
        memory: &memory,
        started,
    })
    .map_err(Failure::run)
}

#[cfg(test)]
mod allocator_tests;
#[cfg(test)]
mod heap_tests;
