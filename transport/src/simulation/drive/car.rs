//! The car of a drive: cameras, encoders and allocator as one task, which keeps to the same rules as the threads of the
//! real one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use allocation::allocation::{Allocation, ServiceAllocation};
use allocation::choice::Costs;
use allocation::model_config::{Coding, Payload};
use allocation::planned;
use allocation::policy::{CapacitySource, Lesson, Policy};
use allocation::problem::{Capacity, ServiceProblem};
use allocation::simulate::{Frames, Scenario};
use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::Hop;
use rt_core::trace::counters::ThreadCounters;

use super::{Drive, Driven, Executions};
use crate::car::{CarEndpoint, CarService, CloudReply, Outgoing, ReplyStatus, Subscription};
use crate::certs::{CLOUD_NAME, Car, Credentials};
use crate::estimate::{EstimatorLimits, LinkEstimate};
use crate::reactor::within;
use crate::simulation::{World, WorldBell};
use crate::wire::menu::CloudMenu;

/// Width and height that all models' inputs are said to have; nobody looks at a pixel.
pub(super) const INPUT: (u16, u16) = (512, 512);
/// As `allocation.max_period_ms` and `allocation.probe_period_ms` of the shipped profiles.
const MAX_PERIOD: Duration = Duration::from_millis(100);
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// Answers that a service may leave unread.
const REPLIES: usize = 1_024;

/// What happens to a service's frame next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Captured { service: usize, frame: usize },
    Encoded { service: usize, frame: usize },
}

/// A coded frame's bytes, of which nobody looks at any: all frames share them.
#[derive(Clone)]
struct Shared(Arc<[u8]>, usize);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

/// A frame between the decision to send it and its answer.
struct Sent {
    due: Monotonic,
    capture: Monotonic,
    accuracy: f64,
    bytes: usize,
    model: u16,
    probe: bool,
    /// What the allocation said of its service; nothing of a probe.
    given: ServiceAllocation,
}

impl Sent {
    /// What it teaches, over a path of round trip `rtt`; nothing where it was a probe or the link was gone.
    fn lesson(&self, reply: &CloudReply, rtt: Duration) -> Option<Lesson> {
        if self.given.need <= 0.0 || reply.status == ReplyStatus::LinkDown {
            return None;
        }
        let hop = |hop| reply.hops.get(hop).unwrap_or_default();
        let spent = (hop(Hop::SendWait) + hop(Hop::Network) + hop(Hop::CloudReceive)).saturating_sub(rtt);
        let in_time = reply.status == ReplyStatus::Ok && reply.received_at <= self.due;
        Some(if in_time { Lesson::in_time(&self.given, spent) } else { Lesson::missed(&self.given) })
    }
}

struct Lane {
    input: mailbox::Sender<Outgoing<Shared>>,
    share: mailbox::Sender<f64>,
    replies: rt_core::ring::Consumer<CloudReply>,
    encoder_free: Monotonic,
    last_sent: Option<Monotonic>,
    sent: HashMap<u64, Sent>,
}

/// The car.
pub(super) struct DrivenCar {
    scenario: Scenario,
    frames: Frames,
    policy: Box<dyn Policy>,
    problems: Vec<ServiceProblem>,
    models: Vec<String>,
    lanes: Vec<Lane>,
    estimates: mailbox::Receiver<LinkEstimate>,
    menus: mailbox::Receiver<CloudMenu>,
    estimate: LinkEstimate,
    cloud_seconds_per_s: f64,
    limited_cloud: bool,
    allocation: Allocation,
    asked_at: Option<Monotonic>,
    heard: WorldBell,
    endpoint: Doorbell,
    executions: Executions,
    steps: BinaryHeap<Reverse<(Duration, Step)>>,
    start: Monotonic,
    bytes: Arc<[u8]>,
    driven: Driven,
    gained: f64,
}

impl DrivenCar {
    pub(super) fn start(
        world: &World,
        drive: Drive,
        server: SocketAddr,
        tls: Credentials<Car>,
        executions: Executions,
        stop: &StopToken,
    ) -> Result<Self, Box<dyn Error>> {
        let Drive { scenario, frames, policy, workers, carrier, .. } = drive;
        let (news, heard) = world.bell();
        let models: Vec<String> = super::menu(&scenario).models.into_iter().map(|model| model.name).collect();
        let problems = scenario.services().to_vec();
        let (services, lanes) = problems
            .iter()
            .zip(1_u16..)
            .map(|(problem, service)| {
                let ((input, receiver), (share, shares)) = (mailbox(), mailbox());
                let (output, replies) = rt_core::ring::ring(REPLIES);
                let priority = problem.demand().weight;
                let (share_in, output_bell) = (Some(shares), news.clone());
                let lane = Lane {
                    input,
                    share,
                    replies,
                    encoder_free: Monotonic::ZERO,
                    last_sent: None,
                    sent: HashMap::new(),
                };
                (CarService { service, priority, share: share_in, input: receiver, output, output_bell }, lane)
            })
            .unzip();
        let (estimate_in, estimates) = mailbox();
        let (menu_in, menus) = mailbox();
        let endpoint = CarEndpoint {
            server,
            server_name: CLOUD_NAME.into(),
            uplinks: vec![],
            tls,
            identity: "car/driven/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01".parse()?,
            models: models.clone(),
            carrier,
            services,
            estimates: vec![Subscription { mailbox: estimate_in, bell: news.clone() }],
            menus: vec![Subscription { mailbox: menu_in, bell: news }],
            events: None,
            estimator: EstimatorLimits::default(),
            counters: ThreadCounters::new("car").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let endpoint = world.car(endpoint, stop)?;
        Ok(Self {
            allocation: Allocation::with_capacity(problems.len()),
            bytes: vec![0; most_bytes(&scenario, &frames)].into(),
            scenario,
            frames,
            policy,
            problems,
            models,
            lanes,
            estimates,
            menus,
            estimate: LinkEstimate::default(),
            cloud_seconds_per_s: f64::INFINITY,
            limited_cloud: workers.is_some(),
            asked_at: None,
            heard,
            endpoint,
            executions,
            steps: BinaryHeap::new(),
            start: Monotonic::ZERO,
            driven: Driven::default(),
            gained: 0.0,
        })
    }

    /// Drives to the last frame's end.
    pub(super) async fn run(&mut self, world: &World) -> Result<Driven, Box<dyn Error>> {
        while !(self.estimate.connected && self.cloud_is_known()) {
            self.heard.rung().await;
            self.listen();
        }
        self.start = world.now();
        self.driven.began = self.start.saturating_since(crate::reactor::simulated::epoch());
        for service in 0..self.lanes.len() {
            if self.frames.count(service) > 0 {
                self.plan(self.scenario.capture(service, 0), Step::Captured { service, frame: 0 });
            }
        }
        self.allocate(world.now())?;
        let mut end = None;
        loop {
            self.listen();
            let now = world.now();
            while let Some(step) = self.next_step(now) {
                match step {
                    Step::Captured { service, frame } => self.captured(service, frame, now),
                    Step::Encoded { service, frame } => self.encoded(service, frame, now),
                }
            }
            self.allocate(now)?;
            let last = self.steps.peek().map(|Reverse((at, _))| self.start.plus(*at));
            if last.is_none() && now >= *end.get_or_insert_with(|| now.plus(self.longest_objective())) {
                break;
            }
            let until = last.or(end).unwrap_or(now).min(now.plus(MAX_PERIOD));
            within(until.saturating_since(now), self.heard.rung()).await;
        }
        let weights = |(service, problem): (usize, &ServiceProblem)| {
            let weight = problem.demand().weight * self.frames.count(service) as f64;
            (weight, weight * problem.demand().floor_accuracy)
        };
        let all = self.problems.iter().enumerate().map(weights);
        let (weight, floor) = all.fold((0.0, 0.0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        self.driven.utility = if weight > 0.0 { (floor + self.gained) / weight } else { 0.0 };
        Ok(self.driven.clone())
    }

    fn cloud_is_known(&self) -> bool {
        !self.limited_cloud || self.cloud_seconds_per_s.is_finite()
    }

    fn longest_objective(&self) -> Duration {
        let longest = self.problems.iter().map(|problem| problem.demand().slo_s).fold(0.0, f64::max);
        Duration::from_secs_f64(longest)
    }

    fn plan(&mut self, at: Duration, step: Step) {
        self.steps.push(Reverse((at, step)));
    }

    fn next_step(&mut self, now: Monotonic) -> Option<Step> {
        let due = self.steps.peek().is_some_and(|Reverse((at, _))| self.start.plus(*at) <= now);
        if due { self.steps.pop().map(|Reverse((_, step))| step) } else { None }
    }

    /// Hears the transport: what the link is like, what the cloud serves, what became of frames.
    fn listen(&mut self) {
        if let Some(newer) = self.estimates.take() {
            self.estimate = newer;
        }
        if let Some(menu) = self.menus.take() {
            self.learn(&menu);
        }
        for (lane, problem) in self.lanes.iter_mut().zip(&self.problems) {
            while let Ok(reply) = lane.replies.pop() {
                let Some(sent) = lane.sent.remove(&reply.seq) else { continue };
                if let Some(lesson) = sent.lesson(&reply, self.estimate.min_rtt) {
                    self.policy.learn(&lesson);
                }
                if reply.status == ReplyStatus::Ok && reply.received_at <= sent.due {
                    self.driven.in_time += u64::from(!sent.probe);
                    let demand = problem.demand();
                    self.gained += demand.weight * (sent.accuracy - demand.floor_accuracy);
                }
            }
        }
    }

    /// Takes over the cloud's own execution times, as the car's allocator does.
    fn learn(&mut self, menu: &CloudMenu) {
        for problem in &mut self.problems {
            for index in 0..problem.menu.choices().len() {
                let Some(choice) = problem.menu.choice_mut(index) else { continue };
                let Some(model) = menu.models.iter().find(|model| model.name == choice.config().model) else {
                    continue;
                };
                let execution_s = f64::from(model.p95_us) * 1e-6;
                let _ = choice.set_costs(Costs { execution_s, ..choice.costs() });
            }
        }
        if self.limited_cloud {
            let workers = menu.models.iter().map(|model| f64::from(model.workers)).fold(0.0, f64::max);
            let spreads = menu.models.iter().map(|model| f64::from(model.p95_us) / f64::from(model.p50_us.max(1)));
            self.cloud_seconds_per_s = planned::cloud_seconds_per_s(workers, spreads);
        }
    }

    fn allocate(&mut self, now: Monotonic) -> Result<(), Box<dyn Error>> {
        let habits = self.policy.habits();
        let due = self.asked_at.zip(habits.period).is_none_or(|(asked, period)| now >= asked.plus(period));
        if !due {
            return Ok(());
        }
        self.asked_at = Some(now);
        let estimate = &self.estimate;
        let (rate, round_trip) = match habits.capacity {
            CapacitySource::Estimate => (estimate.rate_bps, planned::round_trip(estimate.min_rtt)),
            CapacitySource::WindowOverRoundTrip => {
                (estimate.cwnd_bytes as f64 * 8.0 / estimate.rtt.as_secs_f64().max(1e-3), estimate.rtt)
            }
        };
        let rate = if estimate.connected { rate } else { 0.0 };
        let capacity = Capacity::new(rate, round_trip.as_secs_f64())?.with_cloud(self.cloud_seconds_per_s)?;
        let before: Vec<Option<usize>> = self.allocation.services().iter().map(|service| service.choice).collect();
        self.policy.allocate(&self.problems, &capacity, &mut self.allocation)?;
        let now_chosen = self.allocation.services();
        let changed = before.iter().zip(now_chosen).filter(|(old, new)| **old != new.choice).count();
        self.driven.switches += changed as u64;
        for (lane, given) in self.lanes.iter_mut().zip(now_chosen) {
            lane.share.put(given.rate_bps);
        }
        self.endpoint.ring();
        Ok(())
    }

    /// A camera has a frame: what is assigned now is what it is encoded as.
    fn captured(&mut self, service: usize, frame: usize, now: Monotonic) {
        let captured = self.scenario.capture(service, frame);
        if frame + 1 < self.frames.count(service) {
            self.plan(self.scenario.capture(service, frame + 1), Step::Captured { service, frame: frame + 1 });
        }
        self.driven.frames += 1;
        let given = self.allocation.services().get(service).copied().unwrap_or_default();
        let chosen = given.choice;
        self.driven.sent += u64::from(chosen.is_some());
        let (Some(problem), Some(lane)) = (self.problems.get(service), self.lanes.get_mut(service)) else { return };
        let may_probe =
            self.policy.habits().probes && lane.last_sent.is_none_or(|last| now.saturating_since(last) >= PROBE_PERIOD);
        let Some(index) = chosen.or_else(|| problem.menu.cheapest().filter(|_| may_probe)) else { return };
        // What the frame needs follows from what the menu said before the cloud was heard.
        let drawn = self.scenario.services().get(service).and_then(|problem| problem.menu.get(index));
        let Some((choice, needs)) = drawn.and_then(|choice| Some((choice, self.frames.needs(service, frame, choice)?)))
        else {
            return;
        };
        let demand = problem.demand();
        let capture = self.start.plus(captured);
        let objective = Duration::from_secs_f64(demand.slo_s);
        let due = capture.plus(objective).minus(Duration::from_secs_f64(demand.margin_s));
        let done = lane.encoder_free.max(now).plus(needs.encode);
        (lane.encoder_free, lane.last_sent) = (done, Some(now));
        let bytes = usize::try_from(needs.bits / 8).unwrap_or(0).max(1);
        let model = self.models.iter().position(|name| *name == choice.config().model);
        let model = model.and_then(|place| u16::try_from(place).ok()).unwrap_or(0);
        let accuracy = choice.accuracy();
        let probe = chosen.is_none();
        let given = if probe { ServiceAllocation::default() } else { given };
        lane.sent.insert(frame as u64, Sent { due, capture, accuracy, bytes, model, probe, given });
        self.executions.borrow_mut().insert((number(service), frame as u64), needs.execution);
        self.plan(done.saturating_since(self.start), Step::Encoded { service, frame });
    }

    /// Gives a coded frame to the transport.
    fn encoded(&mut self, service: usize, frame: usize, now: Monotonic) {
        let (Some(problem), Some(lane)) = (self.problems.get(service), self.lanes.get_mut(service)) else { return };
        let Some(sent) = lane.sent.get(&(frame as u64)) else { return };
        let objective = Duration::from_secs_f64(problem.demand().slo_s);
        let meta = FrameMeta {
            service: number(service),
            seq: frame as u64,
            capture: sent.capture,
            deadline: Deadline::after_capture(sent.capture, objective),
            width: 960,
            height: 576,
            format: PixelFormat::Rgb8,
            scene: 0,
        };
        lane.input.put(Outgoing {
            meta,
            model: sent.model,
            payload: Payload::Input(Coding::Jpeg(50)),
            width: INPUT.0.into(),
            height: INPUT.1.into(),
            bytes: Shared(Arc::clone(&self.bytes), sent.bytes),
            encoded_at: now,
        });
        self.endpoint.ring();
    }
}

fn number(service: usize) -> u16 {
    u16::try_from(service + 1).unwrap_or(u16::MAX)
}

/// Bytes of the largest frame in any configuration.
fn most_bytes(scenario: &Scenario, frames: &Frames) -> usize {
    let of = |service: usize, problem: &ServiceProblem| {
        let each = problem.menu.choices().iter().flat_map(move |choice| {
            (0..frames.count(service)).filter_map(move |frame| Some(frames.needs(service, frame, choice)?.bits))
        });
        each.max().unwrap_or(0)
    };
    let most = scenario.services().iter().enumerate().map(|(service, problem)| of(service, problem)).max();
    usize::try_from(most.unwrap_or(0) / 8).unwrap_or(0) + 1
}
