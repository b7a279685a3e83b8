//! A gateway with workers and a car, each on threads of their own, over loopback.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

pub mod outsider;
pub mod raw;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::{Detection, Detections};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use transport::car::{CarEndpoint, CarService, CloudReply, LinkEvent, Outgoing, Subscription, Uplink, run_car};
use transport::carrier::CarrierChoice;
use transport::certs::{CLOUD_NAME, Car, Cloud, Credentials, DevPki, TlsFiles};
use transport::estimate::{EstimatorLimits, LinkEstimate};
use transport::gateway::worker::{Task, TaskResult, TaskStatus, WorkerEnd, worker_channel};
use transport::gateway::{Gateway, GatewayError, GatewayEvent, GatewayLimits, GatewayStats, ServedFrame, run_gateway};
use transport::wire::menu::{CloudMenu, ModelEntry};

/// Nothing here takes this long; a test that waits for it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const IDENTITY: &str = "car/test/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";

pub fn menu() -> CloudMenu {
    let model = |name: &str| ModelEntry {
        name: name.into(),
        input_width: 512,
        input_height: 512,
        classes: vec!["car".into(), "stop sign".into()],
        p50_us: 1_000,
        p95_us: 2_000,
        workers: 0,
    };
    CloudMenu { models: vec![model("edd1"), model("edd2")] }
}

/// What a worker does with a task; a panic in it is a worker's death.
pub type Work = fn(&Task) -> TaskResult;

/// Answers with one box that tells which payload came: its first byte, its length, its model.
pub fn echo(task: &Task) -> TaskResult {
    let mut detections = Detections::new();
    detections
        .push(Detection {
            x_min: f32::from(*task.payload.first().expect("a payload")),
            y_min: f32::from(task.header.model),
            x_max: task.payload.len() as f32,
            y_max: f32::from(task.header.frame_height),
            score: 0.5,
            class: 1,
        })
        .expect("room");
    TaskResult {
        id: task.id,
        status: TaskStatus::Ok,
        detections,
        prepare: Duration::from_micros(10),
        inference: Duration::from_micros(200),
        finish: Duration::from_micros(30),
    }
}

fn work_loop(mut end: WorkerEnd, stop: &StopToken, work: Work) {
    stop.wakes(end.bell());
    while !stop.is_set() && !end.is_closed() {
        let seen = end.bell().count();
        match end.take() {
            Some(task) => {
                let result = work(&task);
                end.finish(result);
            }
            None => end.bell().wait_until(seen, Monotonic::now().plus(Duration::from_secs(1))),
        }
    }
}

pub struct CloudSide {
    pub address: SocketAddr,
    pub served: rtrb::Consumer<ServedFrame>,
    pub events: rtrb::Consumer<GatewayEvent>,
    pub stats: Arc<GatewayStats>,
    /// What it shows and trusts, to be read again.
    pub tls: Credentials<Cloud>,
    stop: StopToken,
    threads: Vec<JoinHandle<()>>,
}

impl CloudSide {
    /// A gateway that takes the development PKI's certificate from any car.
    pub fn start(tls: TlsFiles, listen: SocketAddr, limits: GatewayLimits, work: Work) -> Self {
        Self::with_workers(tls, listen, GatewayLimits { fleet_certificates: true, ..limits }, &[work])
    }

    /// A gateway with exactly these limits.
    pub fn start_strict(tls: TlsFiles, listen: SocketAddr, limits: GatewayLimits, work: Work) -> Self {
        Self::with_workers(tls, listen, limits, &[work])
    }

    /// A worker for each of `works`; the first free one in their order gets the next task.
    pub fn with_workers(tls: TlsFiles, listen: SocketAddr, limits: GatewayLimits, works: &[Work]) -> Self {
        let tls = Credentials::<Cloud>::load(tls).expect("certificates");
        let stop = StopToken::default();
        let bell = Doorbell::eventfd().expect("an eventfd");
        let (ports, ends): (Vec<_>, Vec<_>) = works.iter().map(|_| worker_channel(&bell)).unzip();
        let (served_in, served) = rtrb::RingBuffer::new(1_024);
        let (events_in, events) = rtrb::RingBuffer::new(1_024);
        let stats = Arc::new(GatewayStats::default());
        let (bound_in, bound) = std::sync::mpsc::sync_channel(1);
        let config = Gateway {
            listen,
            tls: tls.clone(),
            menu: menu(),
            limits,
            served: Some(served_in),
            events: Some(events_in),
            stats: Arc::clone(&stats),
            bound: Some(bound_in),
            counters: ThreadCounters::new("gateway").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let mut threads: Vec<JoinHandle<()>> = ends
            .into_iter()
            .zip(works.iter().copied())
            .map(|(end, work)| {
                let stop = stop.clone();
                std::thread::spawn(move || work_loop(end, &stop, work))
            })
            .collect();
        let gateway_stop = stop.clone();
        threads.push(std::thread::spawn(move || {
            run_gateway(config, ports, &gateway_stop, bell).expect("the gateway runs");
        }));
        let address = bound.recv_timeout(PATIENCE).expect("the gateway listens");
        Self { address, served, events, stats, tls, stop, threads }
    }

    pub fn wait_event(&mut self, wanted: impl Fn(&GatewayEvent) -> bool) -> GatewayEvent {
        wait_ring(&mut self.events, wanted)
    }

    /// Waits until what is counted is as `wanted`.
    pub fn wait_stats(&self, what: &str, wanted: impl Fn(&GatewayStats) -> bool) {
        let end = Monotonic::now().plus(PATIENCE);
        while !wanted(&self.stats) {
            assert!(Monotonic::now() < end, "{what}: not within {PATIENCE:?}: {:?}", self.stats);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the gateway holds nothing of any frame.
    pub fn wait_idle(&self) {
        self.wait_stats("nothing held", |stats| stats.frames() + stats.tasks() + stats.held_bytes() == 0);
    }

    /// Ends it; a worker that panicked is none of its business.
    pub fn end(mut self) {
        self.stop.set();
        let gateway = self.threads.pop().expect("the gateway's thread");
        gateway.join().expect("the gateway ends without a panic");
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A payload that is counted for as long as anyone holds it.
#[derive(Debug)]
pub struct Leased {
    bytes: Vec<u8>,
    out: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Leased {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.out.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct CarSide {
    pub inputs: Vec<mailbox::Sender<Outgoing<Leased>>>,
    /// Payloads that have not been given back.
    pub out: Arc<AtomicUsize>,
    pub replies: Vec<rt_core::ring::Consumer<CloudReply>>,
    pub estimates: mailbox::Receiver<LinkEstimate>,
    pub menus: mailbox::Receiver<CloudMenu>,
    pub events: rtrb::Consumer<LinkEvent>,
    /// What it shows and trusts, to be read again.
    pub tls: Credentials<Car>,
    /// Rung for everything that comes from the endpoint.
    pub news: Doorbell,
    bell: Doorbell,
    stop: StopToken,
    thread: Option<JoinHandle<()>>,
}

impl CarSide {
    pub fn start(tls: TlsFiles, server: SocketAddr, identity: &str, services: u16) -> Self {
        Self::start_with(CarrierChoice::default(), vec![], tls, server, identity, services)
    }

    /// As [`CarSide::start`], with a carrier of the test's choice.
    pub fn start_on(carrier: CarrierChoice, tls: TlsFiles, server: SocketAddr, identity: &str, services: u16) -> Self {
        Self::start_with(carrier, vec![], tls, server, identity, services)
    }

    /// As [`CarSide::start`], over these uplinks.
    pub fn start_over(uplinks: Vec<Uplink>, tls: TlsFiles, server: SocketAddr, identity: &str, services: u16) -> Self {
        Self::start_with(CarrierChoice::default(), uplinks, tls, server, identity, services)
    }

    fn start_with(
        carrier: CarrierChoice,
        uplinks: Vec<Uplink>,
        tls: TlsFiles,
        server: SocketAddr,
        identity: &str,
        services: u16,
    ) -> Self {
        let tls = Credentials::<Car>::load(tls).expect("certificates");
        let (news, stop) = (Doorbell::futex(), StopToken::default());
        let bell = Doorbell::eventfd().expect("an eventfd");
        let (mut inputs, mut replies, mut lanes) = (vec![], vec![], vec![]);
        for service in 1..=services {
            let (sender, receiver) = mailbox();
            let (producer, consumer) = rt_core::ring::ring(256);
            inputs.push(sender);
            replies.push(consumer);
            lanes.push(CarService {
                service,
                priority: 1.0,
                share: None,
                input: receiver,
                output: producer,
                output_bell: news.clone(),
            });
        }
        let (estimate_in, estimates) = mailbox();
        let (menu_in, menus) = mailbox();
        let (event_in, events) = rtrb::RingBuffer::new(1_024);
        let config = CarEndpoint {
            server,
            server_name: CLOUD_NAME.into(),
            uplinks,
            tls: tls.clone(),
            identity: identity.parse().expect("an identity"),
            models: vec!["edd2".into(), "edd1".into(), "unknown".into()],
            services: lanes,
            estimates: vec![Subscription { mailbox: estimate_in, bell: news.clone() }],
            menus: vec![Subscription { mailbox: menu_in, bell: news.clone() }],
            events: Some(event_in),
            estimator: EstimatorLimits::default(),
            carrier,
            counters: ThreadCounters::new("car").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let (car_stop, car_bell) = (stop.clone(), bell.clone());
        let thread = std::thread::spawn(move || run_car(config, &car_stop, car_bell).expect("the car runs"));
        let out = Arc::default();
        Self { inputs, out, replies, estimates, menus, events, tls, news, bell, stop, thread: Some(thread) }
    }

    /// Sends a frame whose bytes all are `seq`'s lowest byte, due in `budget`.
    pub fn send(&mut self, lane: usize, seq: u64, model: u16, bytes: usize, budget: Duration) {
        let now = Monotonic::now();
        let meta = FrameMeta {
            service: u16::try_from(lane + 1).expect("few lanes"),
            seq,
            capture: now,
            deadline: Deadline::after_capture(now, budget),
            width: 1_280,
            height: 720,
            format: PixelFormat::Rgb8,
            scene: 0,
        };
        self.out.fetch_add(1, Ordering::SeqCst);
        let frame = Outgoing {
            meta,
            model,
            payload: Payload::Input(Coding::Jpeg(50)),
            width: 512,
            height: 512,
            bytes: Leased { bytes: vec![seq as u8; bytes], out: Arc::clone(&self.out) },
            encoded_at: now,
        };
        let overtaken = self.inputs.get_mut(lane).expect("a lane").put(frame);
        assert!(overtaken.is_none(), "the endpoint took the frame before");
        self.bell.ring();
    }

    /// Waits for `find` to find something.
    pub fn wait<T>(&mut self, what: &str, mut find: impl FnMut(&mut Self) -> Option<T>) -> T {
        let end = Monotonic::now().plus(PATIENCE);
        loop {
            let seen = self.news.count();
            if let Some(found) = find(self) {
                return found;
            }
            assert!(Monotonic::now() < end, "{what}: not within {PATIENCE:?}");
            self.news.wait_until(seen, Monotonic::now().plus(Duration::from_millis(100)).min(end));
        }
    }

    pub fn reply(&mut self, lane: usize) -> CloudReply {
        self.wait("a reply", |car| car.replies.get_mut(lane)?.pop().ok())
    }

    pub fn wait_connected(&mut self, connected: bool) -> LinkEstimate {
        self.wait("the link's state", |car| car.estimates.take().filter(|e| e.connected == connected))
    }

    pub fn wait_event(&mut self, wanted: impl Fn(&LinkEvent) -> bool) -> LinkEvent {
        wait_ring(&mut self.events, wanted)
    }
}

impl Drop for CarSide {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || ended.is_ok(), "the car ends without a panic");
        }
    }
}

/// Polls a ring that has no bell.
pub fn wait_ring<T>(ring: &mut rtrb::Consumer<T>, wanted: impl Fn(&T) -> bool) -> T {
    let end = Monotonic::now().plus(PATIENCE);
    while Monotonic::now() < end {
        match ring.pop() {
            Ok(value) if wanted(&value) => return value,
            Ok(_) => {}
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("the event did not come within {PATIENCE:?}");
}

pub fn localhost() -> SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, 0).into()
}

pub fn pki(dir: &Path) -> DevPki {
    DevPki::create(dir).expect("a PKI")
}

/// Starts a gateway that has to fail.
pub fn failing_gateway(tls: TlsFiles, listen: SocketAddr) -> GatewayError {
    let bell = Doorbell::eventfd().expect("an eventfd");
    let config = Gateway {
        listen,
        tls: Credentials::<Cloud>::load(tls).expect("certificates"),
        menu: menu(),
        limits: GatewayLimits::default(),
        served: None,
        events: None,
        stats: Arc::default(),
        bound: None,
        counters: ThreadCounters::new("gateway").0,
        heartbeat: Heartbeat::default(),
        books: Default::default(),
    };
    run_gateway(config, vec![], &StopToken::default(), bell).expect_err("a gateway that cannot start")
}
