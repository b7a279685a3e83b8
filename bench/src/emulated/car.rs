//! The car's real endpoint on a thread of its own, and the cameras that it is given.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use transport::car::{CarEndpoint, CarService, CloudReply, Outgoing, Subscription, run_car};
use transport::certs::{CLOUD_NAME, Car, Credentials, DevPki};
use transport::estimate::{EstimatorLimits, LinkEstimate};
use transport::simulation::scenario::{FrameOutcome, Outcome, Scenario, frame};

use super::{Changes, Costs, Due, due};
use crate::cpu::CpuClock;
use crate::error::{BenchError, Result};

/// Answers that a service may leave unread.
const UNREAD: usize = 1_024;
/// A car that is not connected by then has nothing to connect to.
const CONNECT: Duration = Duration::from_secs(20);

/// Runs the case's cameras through a real car's endpoint.
///
/// # Errors
/// What kept it from starting or connecting.
pub(super) fn play(
    scenario: &Scenario,
    pki: &DevPki,
    server: SocketAddr,
    gateway: CpuClock,
    changes: Changes<'_>,
) -> Result<(Outcome, Costs)> {
    let stop = StopToken::default();
    let mut car = start(scenario, server, pki, &stop)?;
    let played = car.connected().and_then(|()| capture(scenario, &mut car, gateway, changes));
    stop.set();
    let ended = car.thread.join().map_err(|_| BenchError::Violated("the car panicked".to_owned()))?;
    ended.map_err(BenchError::library("the car"))?;
    played
}

struct Lane {
    input: mailbox::Sender<Outgoing<Arc<[u8]>>>,
    replies: rt_core::ring::Consumer<CloudReply>,
}

struct Running {
    lanes: Vec<Lane>,
    bell: Doorbell,
    news: Doorbell,
    estimates: mailbox::Receiver<LinkEstimate>,
    thread: std::thread::JoinHandle<std::result::Result<(), transport::car::CarError>>,
}

fn start(scenario: &Scenario, server: SocketAddr, pki: &DevPki, stop: &StopToken) -> Result<Running> {
    let tls = Credentials::<Car>::load(pki.car()).map_err(BenchError::library("the car's certificates"))?;
    let bell = Doorbell::eventfd().map_err(BenchError::system("the car's doorbell"))?;
    let news = Doorbell::futex();
    let (mut lanes, mut services) = (Vec::new(), Vec::new());
    for index in 0..scenario.cameras.len() {
        let (input, receiver) = mailbox();
        let (output, replies) = rt_core::ring::ring(UNREAD);
        services.push(CarService {
            service: service(index),
            priority: 1.0,
            share: None,
            input: receiver,
            output,
            output_bell: news.clone(),
        });
        lanes.push(Lane { input, replies });
    }
    let (estimate, estimates) = mailbox();
    let identity = "car/bench/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";
    let config = CarEndpoint {
        server,
        server_name: CLOUD_NAME.into(),
        uplinks: vec![],
        tls,
        identity: identity.parse().map_err(BenchError::library("an identity"))?,
        models: vec!["edd1".into()],
        carrier: scenario.carrier,
        services,
        estimates: vec![Subscription { mailbox: estimate, bell: news.clone() }],
        menus: vec![],
        events: None,
        estimator: EstimatorLimits::default(),
        counters: ThreadCounters::new("car").0,
        heartbeat: Heartbeat::default(),
        books: Default::default(),
    };
    let (car_stop, car_bell) = (stop.clone(), bell.clone());
    let thread = std::thread::spawn(move || run_car(config, &car_stop, car_bell));
    Ok(Running { lanes, bell, news, estimates, thread })
}

/// The number of a camera's service.
fn service(camera: usize) -> u16 {
    u16::try_from(camera + 1).unwrap_or(u16::MAX)
}

impl Running {
    fn connected(&mut self) -> Result<()> {
        let end = Monotonic::now().plus(CONNECT);
        loop {
            let seen = self.news.count();
            if self.estimates.take().is_some_and(|estimate| estimate.connected) {
                return Ok(());
            }
            if Monotonic::now() > end {
                return Err(BenchError::Silent(CONNECT));
            }
            self.news.wait_until(seen, end);
        }
    }

    fn hear(&mut self, start: Monotonic, outcome: &mut Outcome) {
        for (camera, lane) in self.lanes.iter_mut().enumerate() {
            while let Ok(reply) = lane.replies.pop() {
                let mut frames = outcome.frames.iter_mut().rev();
                if let Some(frame) = frames.find(|frame| frame.camera == camera && frame.seq == reply.seq) {
                    let took = reply.received_at.saturating_since(start.plus(frame.captured));
                    frame.answer = Some((reply.status, took));
                }
            }
        }
        if let Some(estimate) = self.estimates.take() {
            outcome.estimates.push((Monotonic::now().saturating_since(start), estimate));
        }
    }
}

/// Runs the cameras and the link's changes. A frame is captured when it is due, however late this thread is woken: the
/// machine's lateness counts against the frame, as it would in a car.
fn capture(
    scenario: &Scenario,
    car: &mut Running,
    gateway: CpuClock,
    changes: Changes<'_>,
) -> Result<(Outcome, Costs)> {
    let bytes: Vec<Arc<[u8]>> = scenario.cameras.iter().map(|camera| vec![0; camera.frame_bytes].into()).collect();
    let mut outcome = Outcome::default();
    let mut seqs = vec![0_u64; scenario.cameras.len()];
    let clock = CpuClock::of_thread(&car.thread)?;
    let mut before = (Duration::ZERO, Duration::ZERO);
    let start = Monotonic::now();
    for (at, what) in due(scenario, &changes) {
        loop {
            let seen = car.news.count();
            car.hear(start, &mut outcome);
            if Monotonic::now() >= start.plus(at) {
                break;
            }
            car.news.wait_until(seen, start.plus(at));
        }
        match what {
            Due::Count => before = (clock.time()?, gateway.time()?),
            Due::Rate(bps) => (changes.set_rate)(bps),
            Due::Frame(index) => {
                let (Some(camera), Some(lane), Some(seq), Some(bytes)) =
                    (scenario.cameras.get(index), car.lanes.get_mut(index), seqs.get_mut(index), bytes.get(index))
                else {
                    continue;
                };
                *seq += 1;
                outcome.frames.push(FrameOutcome {
                    camera: index,
                    seq: *seq,
                    captured: at,
                    bytes: camera.frame_bytes,
                    budget: camera.budget,
                    answer: None,
                });
                lane.input.put(frame(service(index), *seq, start.plus(at), camera.budget, Arc::clone(bytes)));
                car.bell.ring();
            }
        }
    }
    let used = (clock.time()?.saturating_sub(before.0), gateway.time()?.saturating_sub(before.1));
    let longest = scenario.cameras.iter().map(|camera| camera.budget).max().unwrap_or_default();
    std::thread::sleep(longest * 2);
    car.hear(start, &mut outcome);
    outcome.frames.retain(|frame| frame.captured >= scenario.warm_up);
    Ok((outcome, Costs { car: used.0, gateway: used.1 }))
}
