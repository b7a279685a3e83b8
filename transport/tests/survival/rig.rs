//! One car with one camera, and a gateway, over a simulated network; acts at given times, and all that was seen.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use transport::car::{CarEndpoint, CarService, CloudReply, LinkEvent, Outgoing, ReplyStatus, Subscription, Uplink};
use transport::carrier::CarrierChoice;
use transport::certs::{CLOUD_NAME, Car as CarSide, Cloud, Credentials, DevPki};
use transport::estimate::{EstimatorLimits, LinkEstimate};
use transport::gateway::{Gateway, GatewayEvent, GatewayLimits};
use transport::simulation::scenario::{frame, menu};
use transport::simulation::{Setup, SimulatedLink, Work, World, run};

pub const MS: Duration = Duration::from_millis(1);
pub const S: Duration = Duration::from_secs(1);
pub const IDENTITY: &str = "car/simulated/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";
/// How often what came is looked at.
const LOOK: Duration = Duration::from_millis(5);

pub enum Act {
    Link(Box<dyn Fn(&SimulatedLink)>),
    /// Another gateway takes the place of the one that was killed.
    StartGateway,
    /// Another car of this identity starts, with two uplinks.
    Impostor,
}

/// What happens to the link.
pub fn link(act: impl Fn(&SimulatedLink) + 'static) -> Act {
    Act::Link(Box::new(act))
}

pub struct Plan {
    pub setup: Setup,
    pub carrier: CarrierChoice,
    pub uplinks: usize,
    pub frame_bytes: usize,
    pub period: Duration,
    pub budget: Duration,
    /// How long a worker takes.
    pub execution: Duration,
    pub duration: Duration,
    /// By time after the car's start, in order.
    pub acts: Vec<(Duration, Act)>,
}

#[derive(Clone, Debug)]
pub struct Frame {
    pub captured: Duration,
    pub budget: Duration,
    /// Every answer, and how long after capture; more than one is a fault.
    pub answers: Vec<(ReplyStatus, Duration)>,
}

impl Frame {
    pub fn on_time(&self) -> bool {
        self.answers.iter().any(|(status, took)| *status == ReplyStatus::Ok && *took <= self.budget)
    }
}

/// Times are after the car's start.
#[derive(Debug, Default)]
pub struct Seen {
    /// The frame's number is its place.
    pub frames: Vec<Frame>,
    pub events: Vec<(Duration, LinkEvent)>,
    pub estimates: Vec<(Duration, LinkEstimate)>,
    /// When workers got which frames.
    pub tasks: Vec<(Duration, u64)>,
    pub gateway: Vec<(Duration, GatewayEvent)>,
    pub impostor: Vec<(Duration, LinkEvent)>,
}

impl Seen {
    /// When the first frame captured at or after `from` was answered with detections in time.
    pub fn first_on_time(&self, from: Duration) -> Option<Duration> {
        self.frames.iter().filter(|f| f.captured >= from && f.on_time()).map(|f| f.captured + f.answers[0].1).min()
    }

    pub fn on_time(&self, from: Duration, to: Duration) -> f64 {
        let counted: Vec<_> = self.frames.iter().filter(|f| f.captured >= from && f.captured < to).collect();
        counted.iter().filter(|f| f.on_time()).count() as f64 / counted.len() as f64
    }

    /// When the estimate first said so, at or after `from`.
    pub fn connected(&self, from: Duration, connected: bool) -> Option<Duration> {
        self.estimates.iter().find(|(at, e)| *at >= from && e.connected == connected).map(|(at, _)| *at)
    }

    /// Every frame is answered once, and no worker gets one twice.
    pub fn assert_once(&self) {
        for (seq, frame) in self.frames.iter().enumerate() {
            assert_eq!(frame.answers.len(), 1, "frame {seq}: {frame:?}");
        }
        let mut tasks: Vec<u64> = self.tasks.iter().map(|task| task.1).collect();
        tasks.sort_unstable();
        assert!(tasks.windows(2).all(|pair| pair[0] != pair[1]), "a frame was worked on twice: {tasks:?}");
    }

    /// There are two workers, and never two tasks of this one service at a time.
    pub fn assert_one_at_a_time(&self, execution: Duration) {
        assert!(self.tasks.windows(2).all(|pair| pair[1].0 - pair[0].0 >= execution), "{:?}", self.tasks);
    }

    /// Connections that the gateway has at the end.
    pub fn connections_left(&self) -> usize {
        let count = |wanted: fn(&GatewayEvent) -> bool| self.gateway.iter().filter(|(_, event)| wanted(event)).count();
        count(|event| matches!(event, GatewayEvent::Joined { .. }))
            - count(|event| matches!(event, GatewayEvent::Left { .. }))
    }

    pub fn moves(&self) -> Vec<&'static str> {
        let reason = |(_, event): &(Duration, LinkEvent)| match event {
            LinkEvent::Moved { reason, .. } => Some(*reason),
            _ => None,
        };
        self.events.iter().filter_map(reason).collect()
    }
}

struct Stage {
    world: World,
    pki: Rc<DevPki>,
    execution: Duration,
    tasks: Rc<RefCell<Vec<(Monotonic, u64)>>>,
    stop: StopToken,
    gateway_events: Vec<rtrb::Consumer<GatewayEvent>>,
}

impl Stage {
    async fn start_gateway(&mut self) -> std::net::SocketAddr {
        let (events, heard) = rtrb::RingBuffer::new(10_000);
        let gateway = Gateway {
            listen: ([0, 0, 0, 0], 0).into(),
            tls: Credentials::<Cloud>::load(self.pki.cloud()).expect("certificates"),
            menu: menu(),
            limits: GatewayLimits { fleet_certificates: true, ..GatewayLimits::default() },
            served: None,
            events: Some(events),
            bound: None,
            stats: std::sync::Arc::default(),
            counters: ThreadCounters::new("gateway").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        self.gateway_events.push(heard);
        let worker = || -> Work {
            let (world, execution, tasks) = (self.world.clone(), self.execution, Rc::clone(&self.tasks));
            Box::new(move |task| {
                tasks.borrow_mut().push((world.now(), task.header.seq));
                (execution, Detections::new())
            })
        };
        self.world.gateway(gateway, vec![worker(), worker()], &self.stop).await.expect("a gateway")
    }

    fn start_car(&self, server: std::net::SocketAddr, uplinks: usize, carrier: CarrierChoice) -> Car {
        let (input, receiver) = mailbox();
        let (output, replies) = rt_core::ring::ring(1_024);
        let (events_in, events) = rtrb::RingBuffer::new(10_000);
        let (estimate_in, estimates) = mailbox();
        let (news, _heard) = self.world.bell();
        let service =
            CarService { service: 1, priority: 1.0, share: None, input: receiver, output, output_bell: news.clone() };
        let endpoint = CarEndpoint {
            carrier,
            server,
            server_name: CLOUD_NAME.into(),
            uplinks: vec![Uplink::Any; uplinks],
            tls: Credentials::<CarSide>::load(self.pki.car()).expect("certificates"),
            identity: IDENTITY.parse().expect("an identity"),
            models: vec!["edd1".into()],
            services: vec![service],
            estimates: vec![Subscription { mailbox: estimate_in, bell: news }],
            menus: vec![],
            events: Some(events_in),
            estimator: EstimatorLimits::default(),
            counters: ThreadCounters::new("car").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let bell = self.world.car(endpoint, &self.stop).expect("a car");
        Car { input, replies, events, estimates, bell }
    }
}

struct Car {
    input: mailbox::Sender<Outgoing<Vec<u8>>>,
    replies: rt_core::ring::Consumer<CloudReply>,
    events: rtrb::Consumer<LinkEvent>,
    estimates: mailbox::Receiver<LinkEstimate>,
    bell: rt_core::doorbell::Doorbell,
}

/// Plays a plan.
pub fn play(plan: Plan) -> Seen {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Rc::new(DevPki::create(dir.path()).expect("a PKI"));
    run(plan.setup.clone(), move |world| async move {
        let stop = StopToken::default();
        let tasks = Rc::default();
        let mut stage = Stage { world, pki, execution: plan.execution, tasks, stop, gateway_events: vec![] };
        let server = stage.start_gateway().await;
        let first_acts = plan.acts.iter().take_while(|(at, _)| at.is_zero());
        for (_, act) in first_acts {
            if let Act::Link(act) = act {
                act(stage.world.link());
            }
        }
        let mut car = stage.start_car(server, plan.uplinks, plan.carrier);
        let start = stage.world.now();
        let mut seen = Seen::default();
        let mut impostor: Option<Car> = None;
        let (mut acts, mut frame_at) = (plan.acts.iter().filter(|(at, _)| !at.is_zero()).peekable(), Duration::ZERO);
        let mut look_at = Duration::ZERO;
        loop {
            let act_at = acts.peek().map_or(Duration::MAX, |act| act.0);
            let next = act_at.min(frame_at).min(look_at);
            if next > plan.duration {
                break;
            }
            stage.world.sleep_until(start.plus(next)).await;
            if next == act_at {
                match acts.next().map(|act| &act.1) {
                    Some(Act::Link(act)) => act(stage.world.link()),
                    Some(Act::StartGateway) => {
                        stage.start_gateway().await;
                    }
                    Some(Act::Impostor) => impostor = Some(stage.start_car(server, 2, plan.carrier)),
                    None => {}
                }
            }
            if next == frame_at {
                frame_at += plan.period;
                // The last ones are given the time to be answered.
                if next + plan.budget * 2 < plan.duration {
                    let (seq, bytes) = (seen.frames.len() as u64, vec![0; plan.frame_bytes]);
                    let frame = frame(1, seq, stage.world.now(), plan.budget, bytes);
                    seen.frames.push(Frame { captured: next, budget: plan.budget, answers: vec![] });
                    car.input.put(frame);
                    car.bell.ring();
                }
            }
            look_at = look_at.max(next + LOOK);
            let at = stage.world.now().saturating_since(start);
            while let Ok(reply) = car.replies.pop() {
                let frame = &mut seen.frames[usize::try_from(reply.seq).expect("few frames")];
                let took = reply.received_at.saturating_since(start.plus(frame.captured));
                frame.answers.push((reply.status, took));
            }
            while let Ok(event) = car.events.pop() {
                seen.events.push((at, event));
            }
            seen.estimates.extend(car.estimates.take().map(|estimate| (at, estimate)));
            for events in &mut stage.gateway_events {
                while let Ok(event) = events.pop() {
                    seen.gateway.push((at, event));
                }
            }
            while let Some(event) = impostor.as_mut().and_then(|car| car.events.pop().ok()) {
                seen.impostor.push((at, event));
            }
        }
        stage.stop.set();
        seen.tasks = stage.tasks.borrow().iter().map(|(at, seq)| (at.saturating_since(start), *seq)).collect();
        drop(dir);
        seen
    })
}
