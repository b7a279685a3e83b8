//! The loop that joins the car's parts: it alone touches the mailboxes, the streams and the estimator.

mod books;
mod carriers;
mod frames;
mod links;
mod prototype;

use std::sync::Arc;

use rt_core::clock::Monotonic;
use rt_core::lifecycle::Heartbeat;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use books::Taken;
use carriers::Datagrams;
use rt_core::trace::traffic::TrafficLog;

use super::controller::Flow;
use super::flight::{Arrived, Flight, FlightId};
use super::gate::{self, Feed};
use super::metrics::RoundTrips;
use super::publish::{Publisher, tell};
use super::queue::UplinkQueue;
use super::session::{AttemptError, Session};
use super::{CarEndpoint, CarError, CarService, LinkEvent, Subscription};
use crate::estimate::{ClockOffset, LinkEstimate, LossEstimator, MinRtt, RateEstimator};
use crate::reactor::{Bell, FAREWELL, sleep_until};
use crate::wire::control::ControlMessage;
use crate::wire::menu::CloudMenu;
use crate::wire::stream::ControlReader;

use links::Links;
use prototype::Prototype;

/// With less room than this left, bytes, the window is full: a packet more does not fit.
const FULL_BYTES: u64 = 1_472;

/// What the tasks tell the loop.
enum Told {
    Attempt {
        id: u64,
        outcome: Result<Box<(Session, ControlReader)>, AttemptError>,
    },
    Result {
        id: FlightId,
        at: Monotonic,
        outcome: Result<Box<Arrived>, String>,
    },
    /// The result of a frame in datagrams, by its number on the wire.
    Landed {
        frame: u32,
        at: Monotonic,
        outcome: Result<Box<Arrived>, String>,
    },
    /// A result on a long stream, by the stream's number; an error is its end.
    Streamed {
        stream: u64,
        at: Monotonic,
        outcome: Result<Box<Arrived>, String>,
    },
    Menu {
        epoch: u64,
        menu: CloudMenu,
    },
    Lost {
        epoch: u64,
        reason: String,
    },
}

/// The connection that carries the frames.
enum Link {
    Down,
    Up { session: Box<Session>, control: JoinHandle<()> },
}

pub(crate) struct Driver<B> {
    models: Vec<String>,
    lanes: Vec<CarService<B>>,
    menus: Vec<Subscription<CloudMenu>>,
    events: Option<rtrb::Producer<LinkEvent>>,
    stop: StopToken,
    heartbeat: Heartbeat,
    wake: Arc<Notify>,
    link: Link,
    /// Names the connection of `link`, so that news of another one is known as such.
    epoch: u64,
    links: Links,
    queue: UplinkQueue<Taken<B>>,
    flights: Vec<Flight>,
    next_id: FlightId,
    estimator: RateEstimator,
    loss: LossEstimator,
    min_rtt: MinRtt,
    clocks: ClockOffset,
    publisher: Publisher,
    seen: RoundTrips,
    flow: Flow,
    feed: Feed,
    datagrams: Datagrams,
    /// Where the prototype's discipline takes the place of turbo's.
    prototype: Option<Prototype>,
    dropped_replies: u64,
    counters: ThreadCounters,
    books: TrafficLog,
    connected_at: Option<Monotonic>,
    told: (mpsc::UnboundedSender<Told>, mpsc::UnboundedReceiver<Told>),
}

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    pub(crate) fn new(config: CarEndpoint<B>, stop: StopToken) -> Result<Self, CarError> {
        let wake = Arc::new(Notify::new());
        let now = crate::reactor::now();
        let links = Links::new(&config, &wake, now)?;
        let services = config.services.len();
        Ok(Self {
            queue: UplinkQueue::new(config.services.iter().map(|service| service.priority), now),
            models: config.models,
            lanes: config.services,
            menus: config.menus,
            events: config.events,
            stop,
            heartbeat: config.heartbeat,
            wake,
            link: Link::Down,
            epoch: 0,
            links,
            flights: Vec::new(),
            next_id: 0,
            estimator: RateEstimator::new(config.estimator),
            loss: LossEstimator::default(),
            min_rtt: MinRtt::default(),
            clocks: ClockOffset::default(),
            publisher: Publisher::new(config.estimates),
            seen: RoundTrips::default(),
            flow: Flow::default(),
            feed: Feed::default(),
            datagrams: Datagrams::new(config.carrier),
            prototype: Prototype::new(config.carrier, services, now),
            dropped_replies: 0,
            counters: config.counters,
            books: config.books,
            connected_at: None,
            // Bounded by what the loop starts: one reader per flight, one per connection.
            told: mpsc::unbounded_channel(),
        })
    }

    pub(crate) async fn run(mut self, bell: Bell) {
        while !self.stop.is_set() {
            let now = crate::reactor::now();
            self.counters.tick(now);
            self.heartbeat.beat(now);
            self.listen_to_path(now);
            while let Ok(told) = self.told.1.try_recv() {
                self.hear(told, now);
            }
            self.tend_links(now);
            self.hear_progress(now);
            self.take_inputs(now);
            std::future::poll_fn(|cx| {
                self.pump(now, cx);
                std::task::Poll::Ready(())
            })
            .await;
            self.publish(now);
            let until = self.next_instant(now);
            let wake = Arc::clone(&self.wake);
            self.counters.count(Counter::Sleeps);
            tokio::select! {
                biased;
                () = bell.rung() => self.counters.count(Counter::Wakeups),
                () = wake.notified() => self.counters.count(Counter::Wakeups),
                () = sleep_until(until) => {}
                told = self.told.1.recv() => if let Some(told) = told {
                    self.counters.count(Counter::Wakeups);
                    self.hear(told, crate::reactor::now());
                },
            }
        }
        self.take_inputs(crate::reactor::now());
        self.answer_waiting(crate::reactor::now());
        self.close_links();
        // The stack's own tasks send the farewell, on this thread.
        crate::reactor::sleep(FAREWELL).await;
    }

    /// Follows acknowledgements and round trips.
    fn listen_to_path(&mut self, now: Monotonic) {
        let Link::Up { session, .. } = &self.link else { return };
        let (rtt, flow) = (session.metrics.round_trips(), session.governor.flow());
        if flow.acked_bytes != self.flow.acked_bytes {
            self.min_rtt.observe(now, rtt.latest);
            self.estimator.acknowledged(now, flow.acked_bytes, flow.in_flight_bytes);
        }
        // What a frame still has unsent waits for the gate, and so for the link.
        self.estimator.set_app_limited(flow.dry && self.flights.iter().all(|flight| flight.unsent_bytes() == 0));
        self.estimator.round_trip(now, rtt.latest, self.min_rtt.get(), rtt.smoothed, flow.in_flight_bytes);
        let full = self.min_rtt.part(now) >= 1.0 && flow.in_flight_bytes + FULL_BYTES >= flow.window_bytes;
        self.estimator.window(now, rtt.latest, self.min_rtt.get(), full);
        self.feed.sent(flow.sent_bytes, flow.dry);
        self.loss.observe(flow.sent_packets, flow.lost_packets, flow.loss_bursts);
        let rate = self.estimator.rate(now);
        let headroom = gate::headroom(rate, self.estimator.low_rate(now));
        let window = gate::window_bytes(rate, self.min_rtt.get(), headroom, self.min_rtt.part(now));
        session.governor.set(window, gate::pace(rate));
        (self.seen, self.flow) = (rtt, flow);
    }

    fn hear(&mut self, told: Told, now: Monotonic) {
        match told {
            Told::Attempt { id, outcome } => self.attempted(id, outcome.map(|opened| *opened), now),
            Told::Menu { epoch, menu } if epoch == self.epoch => self.menu(menu),
            Told::Menu { epoch, menu } => self.links.menu(epoch, menu),
            Told::Lost { epoch, reason } => self.ended(epoch, reason),
            Told::Landed { frame, at, outcome } => {
                if let Some(id) = self.in_datagrams(frame) {
                    self.landed(id, at, outcome.map(|arrived| *arrived));
                }
            }
            Told::Streamed { stream, at, outcome } => self.streamed(stream, at, outcome.map(|arrived| *arrived)),
            Told::Result { id, at, outcome } => self.landed(id, at, outcome.map(|arrived| *arrived)),
        }
    }

    fn menu(&mut self, menu: CloudMenu) {
        tell(&mut self.menus, menu.clone());
        if let Link::Up { session, .. } = &mut self.link {
            session.menu = menu;
        }
    }

    fn publish(&mut self, now: Monotonic) {
        let connected = matches!(self.link, Link::Up { .. });
        if connected != self.connected_at.is_some() {
            self.connected_at = connected.then_some(now);
            self.books.traffic.connected(self.connected_at);
        }
        let delays = self.clocks.latest(now);
        self.publisher.offer(LinkEstimate {
            rate_bps: if connected { self.estimator.rate(now) * 8.0 } else { 0.0 },
            range: self.estimator.range(now).filter(|_| connected),
            rtt: self.seen.smoothed,
            latest_rtt: self.seen.latest,
            min_rtt: self.min_rtt.get(),
            cwnd_bytes: self.flow.window_bytes,
            delivery_rate_bytes_per_s: self.estimator.ack_rate().unwrap_or(0.0),
            app_limited: self.flow.dry,
            uplink_delay_variation: delays.map(|sample| sample.up_variation),
            downlink_delay_variation: delays.map(|sample| sample.down_variation),
            clock: self.clocks.estimate(now),
            absurd_stamps: self.clocks.absurd(),
            loss: self.loss.fraction(),
            connections: u32::from(connected) + self.links.standing(),
            connected,
            at: now,
        });
    }

    /// When the loop has something to do although nobody rang.
    fn next_instant(&self, now: Monotonic) -> Monotonic {
        let link = self.links.rules.due(now).unwrap_or(Monotonic::from_ns(u64::MAX));
        let mut next = self.publisher.due().min(link);
        if let Some(change) = self.queue.next_change(self.min_rtt.get()) {
            next = next.min(change);
        }
        for flight in self.flights.iter().filter(|flight| !flight.answered) {
            next = next.min(flight.ticket.deadline.instant());
        }
        if let Some(probe) = self.next_probe() {
            next = next.min(probe);
        }
        if let Some(junk) = self.prototype.as_ref().and_then(Prototype::due) {
            next = next.min(junk);
        }
        // A change that is already due was acted on in this round, or cannot be; never spin on it.
        next.max(now.plus(std::time::Duration::from_millis(1)))
    }

    fn log(&mut self, event: LinkEvent) {
        if let Some(events) = &mut self.events {
            // A full ring loses the event; the state itself is in every estimate.
            let _ = events.push(event);
        }
    }
}

/// Reads the control stream until it ends.
async fn read_control(mut control: ControlReader, epoch: u64, told: mpsc::UnboundedSender<Told>) {
    let reason = loop {
        match control.next().await {
            Ok(ControlMessage::Menu { menu }) => {
                if told.send(Told::Menu { epoch, menu }).is_err() {
                    return;
                }
            }
            Ok(_) => break "the cloud sent a control message out of turn".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    let _ = told.send(Told::Lost { epoch, reason });
}
