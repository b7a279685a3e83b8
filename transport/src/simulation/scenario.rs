//! Cameras that send frames up a simulated link, and what became of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::Detections;
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;

use super::{Setup, SimulatedLink, World, run};
use crate::car::{CarEndpoint, CarService, CloudReply, Outgoing, ReplyStatus, Subscription};
use crate::carrier::CarrierChoice;
use crate::certs::{CLOUD_NAME, Car, Cloud, Credentials, DevPki};
use crate::estimate::{EstimatorLimits, LinkEstimate};
use crate::gateway::{Gateway, GatewayLimits};
use crate::wire::menu::{CloudMenu, ModelEntry};

/// Estimates are looked at this often, which is finer than they are told.
const LOOK: Duration = Duration::from_millis(20);
/// Answers that a service may leave unread.
const REPLIES: usize = 1_024;

/// One camera's frames.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Time between two frames.
    pub period: Duration,
    /// When the first frame is captured, after the start.
    pub phase: Duration,
    /// Coded bytes of a frame.
    pub frame_bytes: usize,
    /// From capture to decision.
    pub budget: Duration,
}

/// A change of the link at a time after the start; it is given the link at that time.
pub type Change = (Duration, Box<dyn Fn(&SimulatedLink)>);

/// A car, its cameras, a link, a gateway with one worker.
pub struct Scenario {
    /// The network.
    pub setup: Setup,
    /// The cameras, one service each.
    pub cameras: Vec<Camera>,
    /// How long frames are captured before they count.
    pub warm_up: Duration,
    /// How long they count.
    pub duration: Duration,
    /// What carries the frames.
    pub carrier: CarrierChoice,
    /// How long the worker takes for each frame.
    pub execution: Duration,
    /// What happens to the link, by time after the start of the warm-up.
    pub changes: Vec<Change>,
}

/// What became of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameOutcome {
    /// The camera, from 0.
    pub camera: usize,
    /// The frame's number.
    pub seq: u64,
    /// When it was captured, after the start of the warm-up.
    pub captured: Duration,
    /// Its coded bytes.
    pub bytes: usize,
    /// From capture to decision.
    pub budget: Duration,
    /// How it was answered, and how long after capture.
    pub answer: Option<(ReplyStatus, Duration)>,
}

impl FrameOutcome {
    /// Whether it was answered with detections, by its deadline.
    #[must_use]
    pub fn on_time(&self) -> bool {
        self.answer.is_some_and(|(status, took)| status == ReplyStatus::Ok && took <= self.budget)
    }
}

/// What became of all frames that count, and what the car believed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// When the warm-up began, after the link's traces did: the car had to connect first.
    pub began: Duration,
    /// In order of capture.
    pub frames: Vec<FrameOutcome>,
    /// The link's estimates, by time after the start of the warm-up.
    pub estimates: Vec<(Duration, LinkEstimate)>,
}

impl Outcome {
    /// The share of frames whose detections came by their deadline, 0 to 1.
    #[must_use]
    pub fn on_time(&self) -> f64 {
        self.frames.iter().filter(|frame| frame.on_time()).count() as f64 / self.frames.len().max(1) as f64
    }

    /// The `quantile` of the time from capture to detections, of the frames on time.
    #[must_use]
    pub fn latency(&self, quantile: f64) -> Duration {
        let mut times: Vec<Duration> =
            self.frames.iter().filter(|frame| frame.on_time()).filter_map(|frame| Some(frame.answer?.1)).collect();
        times.sort_unstable();
        let place = (quantile * times.len().saturating_sub(1) as f64).round() as usize;
        times.get(place).copied().unwrap_or_default()
    }

    /// Bytes of frames on time for each second of `duration`, as Mbit/s.
    #[must_use]
    pub fn goodput_mbps(&self, duration: Duration) -> f64 {
        let bytes: usize = self.frames.iter().filter(|frame| frame.on_time()).map(|frame| frame.bytes).sum();
        bytes as f64 * 8e-6 / duration.as_secs_f64()
    }
}

/// A frame's bytes, of which nobody looks at any: all frames share them.
#[derive(Clone)]
struct Shared(Arc<[u8]>, usize);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

struct Lane {
    input: mailbox::Sender<Outgoing<Shared>>,
    replies: rt_core::ring::Consumer<CloudReply>,
}

/// A gateway that tells nobody anything but its cars, and lets any certificate of the fleet be any car.
pub(super) fn gateway(tls: Credentials<Cloud>, menu: CloudMenu) -> Gateway {
    Gateway {
        listen: SocketAddr::from(([0, 0, 0, 0], 0)),
        tls,
        menu,
        limits: GatewayLimits { fleet_certificates: true, ..GatewayLimits::default() },
        served: None,
        events: None,
        bound: None,
        stats: Arc::default(),
        counters: ThreadCounters::new("gateway").0,
        heartbeat: Heartbeat::default(),
        books: Default::default(),
    }
}

/// Plays `scenario` with certificates of `pki`.
///
/// # Errors
/// What kept an endpoint from starting.
pub fn play(scenario: Scenario, pki: &DevPki) -> Result<Outcome, Box<dyn std::error::Error>> {
    let (cloud, car) = (Credentials::<Cloud>::load(pki.cloud())?, Credentials::<Car>::load(pki.car())?);
    run(scenario.setup.clone(), move |world| async move {
        let stop = StopToken::default();
        let execution = scenario.execution;
        let gateway = gateway(cloud, menu());
        let server = world.gateway(gateway, vec![Box::new(move |_| (execution, Detections::new()))], &stop).await?;
        let (news, heard) = world.bell();
        let (services, lanes) = scenario.cameras.iter().enumerate().map(|each| lane(each, &scenario, &news)).unzip();
        let (estimate_in, mut estimates) = mailbox();
        let endpoint = CarEndpoint {
            server,
            server_name: CLOUD_NAME.into(),
            uplinks: vec![],
            tls: car,
            identity: "car/simulated/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01".parse()?,
            models: vec!["edd1".into()],
            carrier: scenario.carrier,
            services,
            estimates: vec![Subscription { mailbox: estimate_in, bell: news.clone() }],
            menus: vec![],
            events: None,
            estimator: EstimatorLimits::default(),
            counters: ThreadCounters::new("car").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let bell = world.car(endpoint, &stop)?;
        while !estimates.take().is_some_and(|estimate: LinkEstimate| estimate.connected) {
            heard.rung().await;
        }
        let outcome = capture(&world, &scenario, lanes, &bell, estimates).await;
        stop.set();
        Ok(outcome)
    })
}

/// The number of a camera's service.
fn number(camera: usize) -> u16 {
    u16::try_from(camera + 1).unwrap_or(u16::MAX)
}

fn lane((index, camera): (usize, &Camera), scenario: &Scenario, news: &Doorbell) -> (CarService<Shared>, Lane) {
    let (input, receiver) = mailbox();
    // The prototype's probe leaves the services what they were given: here, what their frames take. Turbo needs no share.
    let share = matches!(scenario.carrier, CarrierChoice::Prototype(_)).then(|| {
        let (mut given, share) = mailbox();
        given.put(camera.frame_bytes as f64 * 8.0 / camera.period.as_secs_f64());
        share
    });
    let (output, replies) = rt_core::ring::ring(REPLIES);
    let service =
        CarService { service: number(index), priority: 1.0, share, input: receiver, output, output_bell: news.clone() };
    (service, Lane { input, replies })
}

/// One model, `edd1`, whose execution times are not known yet.
#[must_use]
pub fn menu() -> CloudMenu {
    let entry = ModelEntry {
        name: "edd1".into(),
        input_width: 512,
        input_height: 512,
        classes: vec!["car".into()],
        p50_us: 0,
        p95_us: 0,
        workers: 0,
    };
    CloudMenu { models: vec![entry] }
}

/// Runs the cameras and the link's changes, and hears what becomes of the frames.
async fn capture(
    world: &World,
    scenario: &Scenario,
    lanes: Vec<Lane>,
    bell: &Doorbell,
    estimates: mailbox::Receiver<LinkEstimate>,
) -> Outcome {
    let start = world.now();
    let most = scenario.cameras.iter().map(|camera| camera.frame_bytes).max().unwrap_or(0);
    let bytes: Arc<[u8]> = vec![0; most].into();
    let mut ear = Ear {
        start,
        lanes,
        estimates,
        outcome: Outcome { began: start.saturating_since(crate::reactor::simulated::epoch()), ..Outcome::default() },
    };
    let mut seqs = vec![0_u64; scenario.cameras.len()];
    for (at, event) in events(scenario) {
        world.sleep_until(start.plus(at)).await;
        let now = world.now();
        ear.listen(now);
        match event {
            Event::Look => {}
            Event::Change(index) => {
                if let Some((_, change)) = scenario.changes.get(index) {
                    change(world.link());
                }
            }
            Event::Frame(index) => {
                let (Some(camera), Some(lane), Some(seq)) =
                    (scenario.cameras.get(index), ear.lanes.get_mut(index), seqs.get_mut(index))
                else {
                    continue;
                };
                *seq += 1;
                ear.outcome.frames.push(FrameOutcome {
                    camera: index,
                    seq: *seq,
                    captured: at,
                    bytes: camera.frame_bytes,
                    budget: camera.budget,
                    answer: None,
                });
                let bytes = Shared(Arc::clone(&bytes), camera.frame_bytes);
                lane.input.put(frame(number(index), *seq, now, camera.budget, bytes));
                bell.ring();
            }
        }
    }
    let longest = scenario.cameras.iter().map(|camera| camera.budget).max().unwrap_or_default();
    world.sleep(longest * 2).await;
    ear.listen(world.now());
    ear.outcome.frames.retain(|frame| frame.captured >= scenario.warm_up);
    ear.outcome
}

/// All that will happen, by time after the start.
fn events(scenario: &Scenario) -> Vec<(Duration, Event)> {
    let end = scenario.warm_up + scenario.duration;
    let every = |phase: Duration, period: Duration| {
        std::iter::successors(Some(phase), move |at| Some(*at + period)).take_while(move |at| *at < end)
    };
    let mut events: Vec<(Duration, Event)> =
        scenario.changes.iter().enumerate().map(|(index, change)| (change.0, Event::Change(index))).collect();
    for (index, camera) in scenario.cameras.iter().enumerate() {
        events.extend(every(camera.phase, camera.period).map(|at| (at, Event::Frame(index))));
    }
    events.extend(every(Duration::ZERO, LOOK).map(|at| (at, Event::Look)));
    events.sort_by_key(|event| event.0);
    events
}

/// Hears the car's answers and estimates.
struct Ear {
    start: Monotonic,
    lanes: Vec<Lane>,
    estimates: mailbox::Receiver<LinkEstimate>,
    outcome: Outcome,
}

impl Ear {
    fn listen(&mut self, now: Monotonic) {
        for (camera, lane) in self.lanes.iter_mut().enumerate() {
            while let Ok(reply) = lane.replies.pop() {
                let mut frames = self.outcome.frames.iter_mut().rev();
                if let Some(frame) = frames.find(|frame| frame.camera == camera && frame.seq == reply.seq) {
                    let took = reply.received_at.saturating_since(self.start.plus(frame.captured));
                    frame.answer = Some((reply.status, took));
                }
            }
        }
        if let Some(estimate) = self.estimates.take() {
            self.outcome.estimates.push((now.saturating_since(self.start), estimate));
        }
    }
}

enum Event {
    Frame(usize),
    Change(usize),
    Look,
}

/// A frame for the model of [`menu`], captured and encoded at `now`, due `budget` later.
pub fn frame<B>(service: u16, seq: u64, now: Monotonic, budget: Duration, bytes: B) -> Outgoing<B> {
    Outgoing {
        meta: FrameMeta {
            service,
            seq,
            capture: now,
            deadline: Deadline::after_capture(now, budget),
            width: 1_280,
            height: 720,
            format: PixelFormat::Rgb8,
            scene: 0,
        },
        model: 0,
        payload: Payload::Input(Coding::Jpeg(50)),
        width: 512,
        height: 512,
        bytes,
        encoded_at: now,
    }
}
