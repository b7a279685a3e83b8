//! The cloud's process: a gateway thread, worker threads, a collector, and the books between them.

mod books;
mod models;
mod staged;
mod subsystems;
mod watched;
mod worker;

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use config::cloud::CloudProfile;
use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::{State, Supervisor};
use rt_core::stop::StopToken;
use serde::Serialize;
use telemetry::collector::CollectorReport;
use telemetry::run_dir::{Role, RunDirs};
use telemetry::run_info::RunInfo;
use telemetry::subscribe::Hub;
use transport::certs::{Cloud, Credentials, TlsFiles};
use transport::wire::menu::CloudMenu;

use crate::failure::Failure;
use crate::live::{LiveSockets, NoCommands};
use crate::state_log::StateLog;
use crate::{credentials, signals};
use books::Books;
use staged::FirstFailure;
use subsystems::STOP_ORDER;

/// How often the books are written, and the longest time between two rounds of the watch.
const BOOKS_PERIOD: Duration = Duration::from_millis(50);

/// Runs a cloud by `profile` until SIGINT or SIGTERM, or until something is lost that it cannot do without.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(profile: &CloudProfile) -> Result<(), Failure> {
    let started = ClockAnchor::now();
    let stop = StopToken::default();
    let hangup = signals::stop_or_renew_on_signals(&stop)?;
    let (listen, tls) = entrance(profile)?;
    let bell = Doorbell::futex();
    stop.wakes(&bell);

    let hub = Hub::new("cloud", env!("CARGO_PKG_VERSION"), started);
    let parts = Parts::new(&hub);
    let subsystems = subsystems::make(profile, &parts, started, listen, &tls, &stop, &bell)?;
    let log = StateLog::new(&hub);
    let supervisor = Supervisor::new(subsystems, log.teller()).and_then(|all| all.stopping_in(&STOP_ORDER));
    let mut supervisor = supervisor.map_err(Failure::run)?;
    if let Err(refusal) = supervisor.initialise(Monotonic::now()) {
        if stop.is_set() {
            return Ok(());
        }
        return Err(parts.failure.take().unwrap_or_else(|| Failure::run(refusal)));
    }
    for thread in supervisor.threads() {
        telemetry::say!("thread {}", thread.granted);
    }
    if let Some(dirs) = &*parts.dirs.borrow() {
        write_info(profile, dirs, started, &supervisor)?;
    }
    let sockets = LiveSockets::open(&hub, NoCommands, None)?;
    supervisor.run(Monotonic::now()).map_err(Failure::run)?;
    if let Some(address) = parts.address.get() {
        telemetry::say!("listening on {address}");
    }

    let state = rounds(&mut supervisor, &parts, &stop, &bell, || {
        if hangup.take() {
            credentials::renew(&tls, &hub);
        }
    });
    if let Some(report) = parts.report.borrow().as_ref().and_then(|report| report.try_recv().ok()) {
        telemetry::say!("{} requests served", report.served);
        let written = parts.dirs.borrow().as_ref().map(|dirs| dirs.write_trace(&report.hops, &report.threads));
        if let Some(Err(error)) = written {
            telemetry::say!("turbo: {error}");
        }
    }
    if let Some(dir) = parts.dirs.borrow().as_ref().and_then(|dirs| dirs.run(Role::Server)) {
        telemetry::say!("logs in {}", dir.display());
    }
    // Last, so that nothing else waits for subscribers.
    sockets.end();
    log.outcome(state)
}

/// Loads what the profile names, models and certificates, without a start; says in a few words what there is.
///
/// # Errors
/// [`Failure::Config`], as a start would give it.
pub fn check(profile: &CloudProfile) -> Result<String, Failure> {
    let (listen, tls) = entrance(profile)?;
    let models = models::Models::load(&profile.models, 1).map_err(Failure::config)?;
    for note in models.notes() {
        telemetry::say!("turbo: {note}");
    }
    let (models, workers, certificate) = (profile.models.len(), profile.workers, tls.facts());
    Ok(format!(
        "a cloud's profile: models {models}, workers {workers}, at {listen} as {}",
        certificate.names.join(", ")
    ))
}

/// Where cars are received, and what the gateway proves with who it is.
fn entrance(profile: &CloudProfile) -> Result<(SocketAddr, Credentials<Cloud>), Failure> {
    let listen = listen_address(&profile.listen)?;
    let tls = &profile.tls;
    let files = TlsFiles { ca: tls.ca.clone(), certificate: tls.certificate.clone(), key: tls.key.clone() };
    let tls = Credentials::<Cloud>::load(files).map_err(Failure::config)?;
    credentials::tell(&tls);
    Ok((listen, tls))
}

/// What the subsystems find out as they start, and those after them and the main thread need.
struct Parts {
    hub: Hub,
    failure: FirstFailure,
    menu: Rc<RefCell<Option<CloudMenu>>>,
    address: Rc<Cell<Option<SocketAddr>>>,
    dirs: Rc<RefCell<Option<RunDirs>>>,
    books: Rc<RefCell<Option<Books>>>,
    report: Rc<RefCell<Option<Receiver<CollectorReport>>>>,
}

impl Parts {
    fn new(hub: &Hub) -> Self {
        Self {
            hub: hub.clone(),
            failure: FirstFailure::default(),
            menu: Rc::default(),
            address: Rc::default(),
            dirs: Rc::default(),
            books: Rc::default(),
            report: Rc::default(),
        }
    }
}

/// Writes the books and watches every thread until the end is asked for or there is a fault.
fn rounds(
    supervisor: &mut Supervisor,
    parts: &Parts,
    stop: &StopToken,
    bell: &Doorbell,
    hear_signals: impl Fn(),
) -> State {
    loop {
        let seen = bell.count();
        hear_signals();
        if let Some(books) = parts.books.borrow_mut().as_mut() {
            books.write();
        }
        let now = Monotonic::now();
        if supervisor.observe(now) == State::Fault {
            return State::Fault;
        }
        if stop.is_set() {
            return supervisor.drain("a signal came");
        }
        let period = supervisor.watch().period().map_or(BOOKS_PERIOD, |period| period.min(BOOKS_PERIOD));
        bell.wait_until(seen, now.plus(period));
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, Failure> {
    let refused = |reason: String| {
        Failure::Config(format!("listen: {text:?}: {reason}; expected host:port of this machine, such as 0.0.0.0:4433"))
    };
    let mut found = text.to_socket_addrs().map_err(|error| refused(error.to_string()))?;
    found.next().ok_or_else(|| refused("no address of that name".to_owned()))
}

/// A thread in `run.yaml`.
#[derive(Serialize)]
struct GrantedThread<'a> {
    name: &'a str,
    cores: &'a [usize],
    policy: String,
    not_granted: Vec<String>,
}

fn write_info(
    profile: &CloudProfile,
    dirs: &RunDirs,
    started: ClockAnchor,
    supervisor: &Supervisor,
) -> Result<(), Failure> {
    let command: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // JSON is YAML, and the profile's own serializer is not this crate's.
    let configuration = serde_json::to_string_pretty(profile).map_err(Failure::run)?;
    let core_map: Vec<GrantedThread<'_>> = supervisor
        .threads()
        .map(|thread| GrantedThread {
            name: &thread.granted.name,
            cores: &thread.granted.cores,
            policy: thread.granted.policy.to_string(),
            not_granted: thread.granted.differences.iter().map(ToString::to_string).collect(),
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
