//! The cars: real endpoints, all on one thread of this process, and the frames that they are given.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use transport::car::{
    CarEndpoint, CarError, CarService, CloudReply, LinkEvent, Outgoing, ReplyStatus, Subscription, run_cars,
};
use transport::carrier::CarrierChoice;
use transport::certs::{CLOUD_NAME, Car, Credentials};
use transport::estimate::EstimatorLimits;
use transport::simulation::scenario::frame;

use crate::cpu::CpuClock;
use crate::error::{BenchError, Result};

/// Answers and link events that a car may leave unread.
const UNREAD: usize = 1_024;
/// The number of each car's only service.
const SERVICE: u16 = 1;

/// What became of the frames of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames given to the cars.
    pub frames: u64,
    /// Answered with detections by their deadline.
    pub on_time: u64,
    /// Answered otherwise than a frame may be on a link that has room: refused or wrong, or there was no connection.
    pub wrong: u64,
    /// Never answered at all.
    pub unanswered: u64,
    /// Connections that were refused, failed or lost.
    pub link_failures: u64,
}

struct Lane {
    input: mailbox::Sender<Outgoing<Arc<[u8]>>>,
    bell: Doorbell,
    replies: rtrb::Consumer<CloudReply>,
    events: rtrb::Consumer<LinkEvent>,
    next_seq: u64,
    /// Frames without an answer, and when they were captured.
    open: VecDeque<(u64, Monotonic)>,
}

/// The cars.
pub struct Fleet {
    lanes: Vec<Lane>,
    stop: StopToken,
    thread: JoinHandle<std::result::Result<(), CarError>>,
    bytes: Arc<[u8]>,
    budget: Duration,
}

/// What a fleet is like.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many.
    pub cars: usize,
    /// Coded bytes of a frame.
    pub frame_bytes: usize,
    /// From capture to detections.
    pub budget: Duration,
    /// Time between the starts of two cars.
    pub stagger: Duration,
}

impl Fleet {
    /// Starts the cars one after the other; they connect when they can.
    ///
    /// # Errors
    /// Where a descriptor or an identity cannot be had.
    pub fn start(plan: &Plan, server: SocketAddr, tls: &Credentials<Car>) -> Result<Self> {
        let news = Doorbell::futex();
        let (mut lanes, mut cars) = (Vec::new(), Vec::new());
        for number in 0..plan.cars {
            let bell = Doorbell::eventfd().map_err(BenchError::system("a car's doorbell"))?;
            let (input, receiver) = mailbox();
            let (output, replies) = rtrb::RingBuffer::new(UNREAD);
            let (events_in, events) = rtrb::RingBuffer::new(UNREAD);
            let (estimate, _) = mailbox();
            let identity = format!("car/bench/00000000-0000-4000-8000-{number:012x}");
            let service = CarService {
                service: SERVICE,
                priority: 1.0,
                share: None,
                input: receiver,
                output,
                output_bell: news.clone(),
            };
            let car = CarEndpoint {
                server,
                server_name: CLOUD_NAME.into(),
                uplinks: vec![],
                tls: tls.clone(),
                identity: identity.parse().map_err(BenchError::library("an identity"))?,
                models: vec!["edd1".into()],
                services: vec![service],
                estimates: vec![Subscription { mailbox: estimate, bell: news.clone() }],
                menus: vec![],
                events: Some(events_in),
                estimator: EstimatorLimits::default(),
                carrier: CarrierChoice::default(),
                counters: ThreadCounters::new("car").0,
                heartbeat: Heartbeat::default(),
            };
            cars.push((car, bell.clone()));
            lanes.push(Lane { input, bell, replies, events, next_seq: 1, open: VecDeque::new() });
        }
        let stop = StopToken::default();
        let (cars_stop, stagger) = (stop.clone(), plan.stagger);
        let thread = std::thread::spawn(move || run_cars(cars, stagger, &cars_stop));
        Ok(Self { lanes, stop, thread, bytes: vec![0; plan.frame_bytes].into(), budget: plan.budget })
    }

    /// Processor time of the cars' thread.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn clock(&self) -> Result<CpuClock> {
        CpuClock::of_thread(&self.thread)
    }

    /// Gives the cars `per_second` frames a second between them, evenly and one car after the other, for `time`.
    pub fn drive(&mut self, per_second: f64, time: Duration) -> Tally {
        let mut tally = Tally::default();
        let start = Monotonic::now();
        let frames = (per_second * time.as_secs_f64()) as u64;
        let mut next = 0;
        for number in 0..frames {
            let due = start.plus(Duration::from_secs_f64(number as f64 / per_second));
            let early = due.saturating_since(Monotonic::now());
            if !early.is_zero() {
                std::thread::sleep(early);
            }
            let budget = self.budget;
            let bytes = Arc::clone(&self.bytes);
            let Some(lane) = self.lanes.get_mut(next) else { break };
            lane.hear(budget, &mut tally);
            lane.send(budget, bytes);
            tally.frames += 1;
            next = (next + 1) % self.lanes.len().max(1);
        }
        // Whatever is not answered within twice its budget is not answered: an endpoint answers everything by then.
        std::thread::sleep(self.budget * 2);
        for lane in &mut self.lanes {
            lane.hear(self.budget, &mut tally);
            tally.unanswered += lane.open.drain(..).count() as u64;
        }
        tally
    }

    /// Forgets what happened to the links until now.
    pub fn forget_events(&mut self) {
        for lane in &mut self.lanes {
            while lane.events.pop().is_ok() {}
        }
    }

    /// Ends all of them.
    ///
    /// # Errors
    /// Why one could not start.
    pub fn end(self) -> Result<()> {
        self.stop.set();
        let ended = self.thread.join().map_err(|_| BenchError::Violated("the cars' thread panicked".to_owned()))?;
        ended.map_err(BenchError::library("the cars"))
    }
}

impl Lane {
    fn send(&mut self, budget: Duration, bytes: Arc<[u8]>) {
        let now = Monotonic::now();
        // What it pushes out is answered as superseded by nobody: the endpoint never saw it.
        if self.input.put(frame(SERVICE, self.next_seq, now, budget, bytes)).is_some() {
            self.open.pop_back();
        }
        self.open.push_back((self.next_seq, now));
        self.next_seq += 1;
        self.bell.ring();
    }

    fn hear(&mut self, budget: Duration, tally: &mut Tally) {
        while let Ok(reply) = self.replies.pop() {
            let Some(place) = self.open.iter().position(|(seq, _)| *seq == reply.seq) else { continue };
            let Some((_, captured)) = self.open.remove(place) else { continue };
            let took = reply.received_at.saturating_since(captured);
            match reply.status {
                ReplyStatus::Ok => tally.on_time += u64::from(took <= budget),
                ReplyStatus::Error | ReplyStatus::Overload | ReplyStatus::LinkDown => tally.wrong += 1,
                ReplyStatus::Expired | ReplyStatus::Superseded | ReplyStatus::Reset => {}
            }
        }
        while let Ok(event) = self.events.pop() {
            let failure =
                matches!(event, LinkEvent::Failed { .. } | LinkEvent::Refused { .. } | LinkEvent::Lost { .. });
            tally.link_failures += u64::from(failure);
        }
    }
}
