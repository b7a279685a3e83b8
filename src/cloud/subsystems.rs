//! The cloud's subsystems: the workers, which find out what there is to offer, the gateway, which offers it, and what
//! writes it down.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use config::cloud::CloudProfile;
use config::threads::Role as Thread;
use rt_core::clock::ClockAnchor;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::{Heartbeat, Subsystem};
use rt_core::stop::StopToken;
use rt_core::trace::Tracer;
use rt_core::trace::counters::ThreadCounters;
use rt_core::trace::emitter;
use rt_core::trace::traffic::{Traffic, TrafficLog};
use telemetry::collector::Collector;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_dir::{Role, RunDirs, Subdirs};
use transport::certs::{Cloud, Credentials};
use transport::gateway::worker::{WorkerWatch, worker_channel};
use transport::gateway::{Gateway, GatewayLimits, GatewayStats, run_gateway};
use transport::wire::MAX_FRAME_BYTES;
use transport::wire::menu::{CloudMenu, ModelEntry};

use super::Parts;
use super::books::{Books, Ledger};
use super::staged::{Settle, Staged};
use super::watched::Watched;
use super::worker::Worker;
use crate::core_map::Crew;
use crate::event_log::event_log;
use crate::failure::Failure;
use crate::verbs::recover::recover_earlier_runs;

/// Entries of the rings to the books.
const RING: usize = 4_096;
/// Stamps of one worker between two passes of the collector: four a frame.
const STAMPS: usize = 1_024;
/// Ends of frames and results between two passes of the collector.
const IMAGES: usize = 16_384;
/// How often a wait for another thread looks whether the end was asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long a subsystem may take to stop: an inference is never cut short.
const PATIENCE: Duration = Duration::from_secs(10);
/// Streams a service may have open: the frame on its way, and those given up whose end is not yet acknowledged.
const STREAMS_PER_SERVICE: u64 = 8;

/// In which order they stop: nothing new first, the last to end writes down the rest.
pub(super) const STOP_ORDER: [&str; 4] = ["gateway", "workers", "books", "collector"];

/// Makes every subsystem, in the order of their start.
///
/// # Errors
/// [`Failure`]: a core map that no kernel could grant, or no descriptor to be had.
pub(super) fn make(
    profile: &CloudProfile,
    parts: &Parts,
    started: ClockAnchor,
    listen: SocketAddr,
    tls: &Credentials<Cloud>,
    stop: &StopToken,
    bell: &Doorbell,
) -> Result<Vec<Box<dyn Subsystem>>, Failure> {
    let gateway_bell = Doorbell::eventfd().map_err(Failure::run)?;
    let entries = &profile.threads;
    let mut crew = Crew::new(entries.mode, false);
    let (mut tracer, mut watches) = (Tracer::default(), Vec::new());
    let mut watched = Vec::new();
    let (mut workers, mut ports, mut done, mut ready) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 1..=u16::try_from(profile.workers).unwrap_or(u16::MAX) {
        let (mut port, end) = worker_channel(&gateway_bell);
        let (done_in, done_out) = rtrb::RingBuffer::new(RING);
        let (ready_in, ready_out) = sync_channel(1);
        let name = format!("worker-{number}");
        watched.extend(port.watch().map(|watch| (name.clone(), watch)));
        let (counters, watch) = ThreadCounters::new(name.clone());
        watches.push(watch);
        let worker = Worker {
            number,
            files: profile.models.to_vec(),
            threads: usize::try_from(profile.threads_per_worker).unwrap_or(1),
            end,
            done: done_in,
            ready: ready_in,
            counters,
            stamper: tracer.stamper(name.clone(), STAMPS),
        };
        let seat = crew.enter(&entries.worker, Thread::Worker, name);
        workers.push(seat.does(move |waiter, stop| worker.run(waiter, stop)));
        ports.push(port);
        done.push(done_out);
        ready.push(ready_out);
    }
    let (gateway_counters, watch) = ThreadCounters::new("gateway");
    watches.push(watch);
    let gateway_seat = crew.enter(&entries.gateway, Thread::Gateway, "gateway");
    let collector_seat = crew.enter(&entries.collector, Thread::Collector, "collector");
    let groups = Rc::new(crew.checked(bell, PATIENCE)?);

    let (threads, menu, stop) = (Rc::clone(&groups), Rc::clone(&parts.menu), stop.clone());
    let workers = Staged::new("workers", &parts.failure, move || {
        let group = workers.into_iter().fold(threads.group("workers"), |group, member| group.with(member));
        let settle: Settle = Box::new(move || {
            let agreed = agree(&ready, &stop)?;
            agreed.models.iter().for_each(tell);
            *menu.borrow_mut() = Some(agreed);
            Ok(())
        });
        Ok((group, settle))
    });

    let stats = Arc::new(GatewayStats::default());
    let (gateway_stats, shown_stats) = (Arc::clone(&stats), Arc::clone(&stats));
    let (served_in, served) = rtrb::RingBuffer::new(RING);
    let (events_in, events) = rtrb::RingBuffer::new(RING);
    let (threads, menu, address) = (Rc::clone(&groups), Rc::clone(&parts.menu), Rc::clone(&parts.address));
    let (tls, limits) = (tls.clone(), limits(profile));
    let traffic = Traffic::default();
    let (images_in, images) = emitter::ring(IMAGES);
    let carried = traffic.watch();
    let gateway = Staged::new("gateway", &parts.failure, move || {
        let (bound_in, bound) = sync_channel(1);
        let (failed_in, failed) = sync_channel(1);
        let mut gateway = Gateway {
            listen,
            tls,
            menu: menu.borrow().clone().unwrap_or_default(),
            limits,
            served: Some(served_in),
            events: Some(events_in),
            stats: gateway_stats,
            bound: Some(bound_in),
            counters: gateway_counters,
            heartbeat: Heartbeat::default(),
            books: TrafficLog { traffic, images: Some(images_in) },
        };
        let member = gateway_seat.does(move |waiter, stop| {
            gateway.heartbeat = waiter.heartbeat().clone();
            run_gateway(gateway, ports, stop, gateway_bell).map_err(|error| {
                let text = error.to_string();
                // Read where the gateway never came to listen; later it is the thread's own end that tells.
                let _ = failed_in.send(Failure::Run(text.clone()));
                text
            })
        });
        let settle: Settle = Box::new(move || match bound.recv() {
            Ok(at) => {
                address.set(Some(at));
                Ok(())
            }
            Err(_) => Err(failed.recv().unwrap_or_else(|_| Failure::Run("the gateway ended".to_owned()))),
        });
        Ok((threads.group("gateway").with(member), settle))
    });

    let (dirs, books, report, menu) =
        (Rc::clone(&parts.dirs), Rc::clone(&parts.books), Rc::clone(&parts.report), Rc::clone(&parts.menu));
    let (profile, hub) = (profile.clone(), parts.hub.clone());
    let collector = Staged::new("collector", &parts.failure, move || {
        recover_earlier_runs(profile.logs.output_dir.clone());
        let made = RunDirs::create(&profile.logs.output_dir, started, Role::CLOUD, &Subdirs::default());
        let made = made.map_err(Failure::run)?;
        let names = Names::default();
        let mut collector = Collector::new(started, names.clone(), logs(&profile, &made), &[]);
        let models = menu.borrow().iter().flat_map(|menu| &menu.models).map(|model| model.name.clone()).collect();
        let rows = collector.served(RING);
        if let Some(events) = event_log(&made, Role::Server, profile.logs.event_log_quota_mib, started) {
            collector.log_events(events);
        }
        collector.publish_events(hub.publisher());
        if let Some(run_dir) = made.run(Role::Server) {
            hub.settle(run_dir, Vec::new());
        }
        collector.trace(tracer);
        collector.hear_images(images);
        collector.sample(carried, Duration::from_millis(profile.logs.logging_interval_ms.into()));
        watches.into_iter().for_each(|watch| collector.watch(watch));
        show(watched, &shown_stats, &mut collector);
        *books.borrow_mut() = Some(Books::new(served, events, done, rows, names, models, hub));
        *dirs.borrow_mut() = Some(made);
        let (report_in, reported) = sync_channel(1);
        *report.borrow_mut() = Some(reported);
        let member = collector_seat.does(move |waiter, stop| {
            report_in.send(collector.run_by(stop, waiter)).map_err(|error| error.to_string())
        });
        let settle: Settle = Box::new(|| Ok(()));
        Ok((groups.group("collector").with(member), settle))
    });
    let ledger = Ledger { books: Rc::clone(&parts.books), stats };
    Ok(vec![Box::new(workers), Box::new(gateway), Box::new(collector), Box::new(ledger)])
}

/// Has the collector's snapshots show gateway, workers and what lies between them.
fn show(workers: Vec<(String, WorkerWatch)>, stats: &Arc<GatewayStats>, collector: &mut Collector) {
    let mut loads = Vec::new();
    for (name, WorkerWatch { tasks, results, load }) in workers {
        collector.watch_handover("task", "gateway", &name, tasks);
        collector.watch_handover("result", &name, "gateway", results);
        loads.push((name, load));
    }
    collector.show_part(Watched::new(stats, loads));
}

fn tell(model: &ModelEntry) {
    let (p50, p95) = (f64::from(model.p50_us) / 1e3, f64::from(model.p95_us) / 1e3);
    let size = format!("{}x{}", model.input_width, model.input_height);
    telemetry::say!(
        "model {:<12} {size:<10} {} classes, p50 {p50:.1} ms, p95 {p95:.1} ms",
        model.name,
        model.classes.len()
    );
}

/// What all workers agree on, with the slowest one's times.
fn agree(ready: &[Receiver<Result<Vec<ModelEntry>, Failure>>], stop: &StopToken) -> Result<CloudMenu, Failure> {
    let mut menu: Option<Vec<ModelEntry>> = None;
    for worker in ready {
        let entries = loop {
            match worker.recv_timeout(LOOK_AGAIN) {
                Ok(outcome) => break outcome?,
                Err(RecvTimeoutError::Timeout) if stop.is_set() => {
                    return Err(Failure::Run("the end was asked for while the models were being loaded".to_owned()));
                }
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
    Ok(CloudMenu { models: menu.unwrap_or_default() })
}

fn limits(profile: &CloudProfile) -> GatewayLimits {
    let max_frame_bytes = u32::try_from(profile.limits.frame_bytes).unwrap_or(u32::MAX).min(MAX_FRAME_BYTES);
    let services = u64::from(profile.limits.services_per_car);
    GatewayLimits {
        max_frame_bytes,
        max_car_bytes: u64::from(max_frame_bytes).saturating_mul(services),
        max_streams: services * STREAMS_PER_SERVICE + 1,
        max_services: usize::try_from(profile.limits.services_per_car).unwrap_or(usize::MAX),
        max_car_bytes_per_s: profile.limits.bytes_per_s_per_car,
        max_cars: usize::try_from(profile.limits.cars).unwrap_or(usize::MAX),
        max_handshakes: usize::try_from(profile.limits.handshakes).unwrap_or(usize::MAX),
        max_certificate_connections: usize::try_from(profile.limits.connections_per_certificate).unwrap_or(usize::MAX),
        fleet_certificates: profile.tls.fleet_certificates,
        ..GatewayLimits::default()
    }
}

fn logs(profile: &CloudProfile, dirs: &RunDirs) -> Logs {
    let logs = &profile.logs;
    let entries = usize::try_from(logs.max_entries).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN);
    let options = LogOptions {
        server_results_max_entries: entries,
        network_max_entries: entries,
        image_context_max_entries: entries,
        server_results: logs.server_results,
        network: logs.server_enable_network_stat_log,
        images_outgoing: logs.server_enable_outgoing_image_context_log,
        images_incoming: logs.server_enable_incoming_image_context_log,
        ..LogOptions::default()
    };
    Logs::new(dirs, &[], options)
}
