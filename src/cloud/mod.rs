//! The cloud's process: a gateway thread, worker threads, a collector, and the books between them.

mod books;
mod models;
mod worker;

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use config::cloud::CloudProfile;
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use rt_core::threads::{Thread, ThreadEnd, spawn};
use rt_core::trace::Tracer;
use rt_core::trace::counters::ThreadCounters;
use serde::Serialize;
use telemetry::collector::{Collector, CollectorReport};
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_dir::{Role, RunDirs, Subdirs};
use telemetry::run_info::RunInfo;
use transport::certs::TlsFiles;
use transport::gateway::worker::worker_channel;
use transport::gateway::{Gateway, GatewayError, GatewayLimits, run_gateway};
use transport::wire::MAX_FRAME_BYTES;
use transport::wire::menu::{CloudMenu, ModelEntry};

use crate::core_map::{self, spec};
use crate::failure::Failure;
use crate::signals;
use books::Books;
use worker::Worker;

/// Entries of the rings to the books, which are emptied every [`BOOKS_PERIOD`].
const RING: usize = 4_096;
/// Stamps of one worker between two passes of the collector: four a frame.
const STAMPS: usize = 1_024;
/// How often the books are written.
const BOOKS_PERIOD: Duration = Duration::from_millis(50);
/// How often a wait for another thread looks whether the end was asked for.
const PATIENCE: Duration = Duration::from_millis(50);
/// Streams a service may have open: the frame on its way, and those given up whose end is not yet acknowledged.
const STREAMS_PER_SERVICE: u64 = 8;

/// Runs a cloud by `profile` until SIGINT or SIGTERM.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(profile: &CloudProfile) -> Result<(), Failure> {
    let started = ClockAnchor::now();
    let stop = StopToken::default();
    signals::stop_on_signals(&stop)?;
    let listen = listen_address(&profile.listen)?;

    let strictness = core_map::strictness(profile.threads.mode);
    let gateway_bell = Doorbell::eventfd().map_err(Failure::run)?;
    let (mut ports, mut done, mut ready, mut threads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut tracer, mut watches) = (Tracer::default(), Vec::new());
    for number in 1..=u16::try_from(profile.workers).unwrap_or(u16::MAX) {
        let name = format!("worker-{number}");
        let (counters, watch) = ThreadCounters::new(name.clone());
        watches.push(watch);
        let (port, end) = worker_channel(&gateway_bell);
        let (done_in, done_out) = rtrb::RingBuffer::new(RING);
        let (ready_in, ready_out) = sync_channel(1);
        let worker = Worker {
            number,
            files: profile.models.to_vec(),
            threads: usize::try_from(profile.threads_per_worker).unwrap_or(1),
            end,
            done: done_in,
            ready: ready_in,
            stop: stop.clone(),
            counters,
            stamper: tracer.stamper(name.clone(), STAMPS),
        };
        let spec = spec(&profile.threads.worker, name);
        threads.push(spawn(&spec, strictness, &stop, move || worker.run()).map_err(Failure::run)?);
        ports.push(port);
        done.push(done_out);
        ready.push(ready_out);
    }
    let Some(menu) = menu(&ready, &stop)? else { return Ok(()) };
    let models = menu.models.iter().map(|model| model.name.clone()).collect();
    for model in &menu.models {
        let (p50, p95) = (f64::from(model.p50_us) / 1e3, f64::from(model.p95_us) / 1e3);
        let size = format!("{}x{}", model.input_width, model.input_height);
        eprintln!(
            "model {:<12} {size:<10} {} classes, p50 {p50:.1} ms, p95 {p95:.1} ms",
            model.name,
            model.classes.len()
        );
    }

    let (served_in, served) = rtrb::RingBuffer::new(RING);
    let (events_in, events) = rtrb::RingBuffer::new(RING);
    let (bound_in, bound) = sync_channel(1);
    let (counters, watch) = ThreadCounters::new("gateway");
    watches.push(watch);
    let gateway = Gateway {
        listen,
        tls: TlsFiles {
            ca: profile.tls.ca.clone(),
            certificate: profile.tls.certificate.clone(),
            key: profile.tls.key.clone(),
        },
        menu,
        limits: limits(profile),
        served: Some(served_in),
        events: Some(events_in),
        bound: Some(bound_in),
        counters,
    };
    let (failed_in, failed) = sync_channel(1);
    let gateway_stop = stop.clone();
    let body = move || {
        run_gateway(gateway, ports, &gateway_stop, gateway_bell).map_err(|error| {
            let text = error.to_string();
            // Read where the gateway never came to listen; later it is the thread's own end that tells.
            let _ = failed_in.send(match error {
                GatewayError::Cert(_) => Failure::Config(text.clone()),
                GatewayError::Listen { .. } | GatewayError::Start { .. } => Failure::Run(text.clone()),
            });
            text
        })
    };
    threads.push(
        spawn(&spec(&profile.threads.gateway, "gateway".to_owned()), strictness, &stop, body).map_err(Failure::run)?,
    );
    let address = match bound.recv() {
        Ok(address) => address,
        Err(_) => match failed.recv() {
            Ok(failure) => return Err(failure),
            // Nothing failed, so the end was asked for.
            Err(_) => return Ok(()),
        },
    };

    let dirs =
        RunDirs::create(&profile.logs.output_dir, started, Role::CLOUD, &Subdirs::default()).map_err(Failure::run)?;
    let names = Names::default();
    let mut collector = Collector::new(started, names.clone(), logs(profile, &dirs), &[]);
    let rows = collector.served(RING);
    collector.trace(tracer);
    watches.into_iter().for_each(|watch| collector.watch(watch));
    let collector_stop = stop.clone();
    let (report_in, report) = sync_channel(1);
    let body = move || report_in.send(collector.run(&collector_stop)).map_err(|error| error.to_string());
    threads.push(
        spawn(&spec(&profile.threads.collector, "collector".to_owned()), strictness, &stop, body)
            .map_err(Failure::run)?,
    );
    for thread in &threads {
        eprintln!("thread {}", thread.granted);
    }
    write_info(profile, &dirs, started, &threads)?;
    eprintln!("listening on {address}");

    let mut books = Books { served, events, done, rows, names, models, open: HashMap::new(), expired: HashMap::new() };
    let bell = Doorbell::futex();
    stop.wakes(&bell);
    while !stop.is_set() {
        let seen = bell.count();
        books.write();
        bell.wait_until(seen, Monotonic::now().plus(BOOKS_PERIOD));
    }
    finish(threads, books, &report, &dirs)?;
    if let Some(dir) = dirs.run(Role::Server) {
        eprintln!("logs in {}", dir.display());
    }
    Ok(())
}

/// Joins every thread, the collector last, whose end waits for the books' rows.
fn finish(
    mut threads: Vec<Thread>,
    mut books: Books,
    report: &Receiver<CollectorReport>,
    dirs: &RunDirs,
) -> Result<(), Failure> {
    let collector = threads.pop();
    let mut bad = Vec::new();
    let mut judge = |(name, end): (String, ThreadEnd)| match end {
        ThreadEnd::Done => {}
        ThreadEnd::Failed(reason) => bad.push(format!("{name}: {reason}")),
        ThreadEnd::Panicked(reason) => bad.push(format!("{name} panicked: {reason}")),
    };
    threads.into_iter().map(Thread::join).for_each(&mut judge);
    books.write();
    drop(books);
    collector.into_iter().map(Thread::join).for_each(&mut judge);
    if let Ok(report) = report.try_recv() {
        eprintln!("{} requests served", report.served);
        bad.extend(dirs.write_trace(&report.hops, &report.threads).err().map(|error| error.to_string()));
    }
    if bad.is_empty() { Ok(()) } else { Err(Failure::Run(bad.join("; "))) }
}

/// What all workers agree on, with the slowest one's times; `None` where the end was asked for meanwhile.
fn menu(ready: &[Receiver<Result<Vec<ModelEntry>, Failure>>], stop: &StopToken) -> Result<Option<CloudMenu>, Failure> {
    let mut menu: Option<Vec<ModelEntry>> = None;
    for worker in ready {
        let entries = loop {
            match worker.recv_timeout(PATIENCE) {
                Ok(outcome) => break outcome?,
                Err(_) if stop.is_set() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Run("a worker ended while it loaded its models".to_owned()));
                }
            }
        };
        match &mut menu {
            None => menu = Some(entries),
            Some(menu) => {
                for (slowest, entry) in menu.iter_mut().zip(entries) {
                    slowest.p50_us = slowest.p50_us.max(entry.p50_us);
                    slowest.p95_us = slowest.p95_us.max(entry.p95_us);
                }
            }
        }
    }
    Ok(menu.map(|models| CloudMenu { models }))
}

fn listen_address(text: &str) -> Result<SocketAddr, Failure> {
    let refused = |reason: String| {
        Failure::Config(format!("listen: {text:?}: {reason}; expected host:port of this machine, such as 0.0.0.0:4433"))
    };
    let mut found = text.to_socket_addrs().map_err(|error| refused(error.to_string()))?;
    found.next().ok_or_else(|| refused("no address of that name".to_owned()))
}

fn limits(profile: &CloudProfile) -> GatewayLimits {
    let max_frame_bytes = u32::try_from(profile.limits.frame_bytes).unwrap_or(u32::MAX).min(MAX_FRAME_BYTES);
    let services = u64::from(profile.limits.services_per_car);
    GatewayLimits {
        max_frame_bytes,
        max_car_bytes: u64::from(max_frame_bytes).saturating_mul(services),
        max_streams: services * STREAMS_PER_SERVICE + 1,
        max_cars: usize::try_from(profile.limits.cars).unwrap_or(usize::MAX),
        ..GatewayLimits::default()
    }
}

fn logs(profile: &CloudProfile, dirs: &RunDirs) -> Logs {
    if !profile.logs.server_results {
        return Logs::none();
    }
    let entries = usize::try_from(profile.logs.max_entries).ok().and_then(NonZeroUsize::new);
    let defaults = LogOptions::default();
    let server_results_max_entries = entries.unwrap_or(defaults.server_results_max_entries);
    Logs::new(dirs, &[], LogOptions { server_results_max_entries, ..defaults })
}

/// A thread in `run.yaml`.
#[derive(Serialize)]
struct GrantedThread<'a> {
    name: &'a str,
    cores: &'a [usize],
    policy: String,
    not_granted: &'a [String],
}

fn write_info(profile: &CloudProfile, dirs: &RunDirs, started: ClockAnchor, threads: &[Thread]) -> Result<(), Failure> {
    let command: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // JSON is YAML, and the profile's own serializer is not this crate's.
    let configuration = serde_json::to_string_pretty(profile).map_err(Failure::run)?;
    let core_map: Vec<GrantedThread<'_>> = threads
        .iter()
        .map(|Thread { granted, .. }| GrantedThread {
            name: &granted.name,
            cores: &granted.cores,
            policy: granted.policy.to_string(),
            not_granted: &granted.differences,
        })
        .collect();
    dirs.write_info(&RunInfo {
        version: env!("CARGO_PKG_VERSION"),
        git_revision: option_env!("TURBO_GIT_REVISION"),
        command: &command,
        configuration: &configuration,
        core_map: &core_map,
        memory: &"heap",
        started,
    })
    .map_err(Failure::run)
}
