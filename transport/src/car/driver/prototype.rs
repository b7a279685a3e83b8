//! The prototype's discipline in place of turbo's: the newest frame of a service goes onto the service's one stream as
//! soon as the one before has been given to the stack, whatever the link has to say to it, and is finished whatever
//! becomes of its deadline.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use allocation::model_config::{Coding, Payload};
use bytes::Bytes;
use rt_core::clock::Monotonic;
use s2n_quic::stream::ReceiveStream;

use super::books::Taken;
use super::frames::header;
use super::{Driver, Link, Told};
use crate::car::ReplyStatus;
use crate::car::flight::{Arrived, Flight, FlightId, read_results_in_order};
use crate::car::queue::Waiting;
use crate::carrier::long_stream::LongStream;
use crate::carrier::probe::ProbeSchedule;
use crate::carrier::{CarrierChoice, FrameCarrier, LongFrame};
use crate::wire::frame::{FrameFlags, FrameHeader, MAX_BUDGET_US};

/// What the driver keeps where it follows the prototype.
pub(super) struct Prototype {
    /// The connection that the streams are of.
    connection: u64,
    /// One for each service, opened with its first frame.
    streams: Vec<Option<Rc<RefCell<LongStream>>>>,
    /// What each service is given, bytes per second.
    shares: Vec<f64>,
    probe: Option<(ProbeSchedule, Option<LongStream>)>,
    probes: u64,
}

impl Prototype {
    /// `None` for turbo's own discipline.
    pub(super) fn new(choice: CarrierChoice, services: usize, now: Monotonic) -> Option<Self> {
        let CarrierChoice::Prototype(probe) = choice else { return None };
        Some(Self {
            connection: 0,
            streams: (0..services).map(|_| None).collect(),
            shares: vec![0.0; services],
            probe: ProbeSchedule::new(probe, now).map(|schedule| (schedule, None)),
            probes: 0,
        })
    }

    pub(super) fn set_share(&mut self, lane: usize, bytes_per_s: f64) {
        if let Some(share) = self.shares.get_mut(lane) {
            *share = bytes_per_s;
        }
    }

    /// When the probe has something to do; while the stack still takes junk, its acknowledgements tell.
    pub(super) fn due(&self) -> Option<Monotonic> {
        let (schedule, stream) = self.probe.as_ref()?;
        stream.as_ref().is_none_or(|stream| stream.unsent_bytes() == 0).then(|| schedule.due())
    }

    /// The streams of a connection that is left end with it, or as soon as they can.
    fn follow(&mut self, connection: u64) {
        if self.connection != connection {
            self.connection = connection;
            self.streams.iter_mut().for_each(|stream| *stream = None);
            if let Some((_, stream)) = &mut self.probe {
                *stream = None;
            }
        }
    }

    /// Gives the stack what it has room for of begun frames, those that are long answered too; whether that was anything.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let mut wrote = false;
        for place in &mut self.streams {
            match place.as_ref().map(|stream| stream.borrow_mut().write(cx)) {
                Some(Ok(bytes)) => wrote |= bytes > 0,
                // Refused by the cloud: the frames' reader hears it, and the next frame opens another.
                Some(Err(_)) => *place = None,
                None => {}
            }
        }
        if let Some((_, place)) = &mut self.probe {
            match place.as_mut().map(|stream| stream.write(cx)) {
                Some(Ok(bytes)) => wrote |= bytes > 0,
                Some(Err(_)) => *place = None,
                None => {}
            }
        }
        wrote
    }

    /// The stream of `lane`, where no frame is being written on it.
    fn idle(&self, lane: usize) -> Option<Rc<RefCell<LongStream>>> {
        let stream = self.streams.get(lane)?.as_ref()?;
        (stream.borrow().unsent_bytes() == 0).then(|| Rc::clone(stream))
    }

    fn is_busy(&self, lane: usize) -> bool {
        let stream = self.streams.get(lane).and_then(Option::as_ref);
        stream.is_some_and(|stream| stream.borrow().unsent_bytes() > 0)
    }
}

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// What [`Driver::pump`] is to turbo's discipline.
    pub(super) fn pump_prototype(&mut self, now: Monotonic, cx: &mut Context<'_>) {
        // Only what waited beyond its deadline is dropped.
        while let Some((lane, frame)) = self.queue.take_expired(now, std::time::Duration::ZERO) {
            self.answer_unsent(lane, &frame.item, ReplyStatus::Expired, now);
        }
        self.review(now, &self.outlook(now));
        if let Some(prototype) = &mut self.prototype {
            prototype.follow(self.epoch);
        }
        for lane in 0..self.lanes.len() {
            if self.prototype.as_ref().is_none_or(|prototype| prototype.is_busy(lane)) {
                continue;
            }
            let Some(waiting) = self.queue.take(lane, now) else { continue };
            if let Some(back) = self.begin_long(lane, waiting, now, cx) {
                self.queue.offer(lane, back);
            }
        }
        self.begin_probe(now, cx);
        // By their flights first, which count their bytes.
        let mut wrote = false;
        for flight in self.flights.iter_mut().filter(|flight| flight.wants_to_write()) {
            if let Ok(bytes) = flight.write_chunk(usize::MAX, now, cx) {
                self.books.traffic.sent(flight.ticket.service, bytes as u64);
                wrote |= bytes > 0;
            }
        }
        if let Some(prototype) = &mut self.prototype {
            wrote |= prototype.write(cx);
        }
        if wrote {
            self.estimator.sent(now);
            if let Link::Up { session, .. } = &self.link {
                session.governor.fed();
            }
        }
    }

    /// Begins a frame on its service's stream; it comes back where no stream can be had.
    fn begin_long(
        &mut self,
        lane: usize,
        waiting: Waiting<Taken<B>>,
        now: Monotonic,
        cx: &mut Context<'_>,
    ) -> Option<Waiting<Taken<B>>> {
        let Link::Up { session, .. } = &mut self.link else { return Some(waiting) };
        let frame = &waiting.item.frame;
        let Some(header) = header(frame, &self.models, &session.menu, now) else {
            self.answer_unsent(lane, &waiting.item, ReplyStatus::Error, now);
            return None;
        };
        let header = FrameHeader { flags: FrameFlags { follows: true, probe: false }, ..header };
        let Some(stream) = self.long_stream(lane, cx) else { return Some(waiting) };
        let ticket = waiting.item.ticket(lane);
        let id = self.next_id;
        stream.borrow_mut().begin(id, &header.encode(), Bytes::from_owner(waiting.item.frame.bytes));
        let carrier = FrameCarrier::Long(LongFrame::new(stream, id));
        self.launch(Flight::new(id, self.epoch, ticket, now, carrier, None), Ok(0));
        if let Some((schedule, _)) = self.prototype.as_mut().and_then(|prototype| prototype.probe.as_mut()) {
            schedule.frame(now);
        }
        None
    }

    /// The stream of a service, opened where there is none.
    fn long_stream(&mut self, lane: usize, cx: &mut Context<'_>) -> Option<Rc<RefCell<LongStream>>> {
        if let Some(stream) = self.prototype.as_ref()?.idle(lane) {
            return Some(stream);
        }
        let (stream, results) = self.open_long(cx)?;
        let (told, number) = (self.told.0.clone(), stream.number);
        tokio::task::spawn_local(async move {
            let tell = |outcome: Result<_, String>| {
                let at = crate::reactor::now();
                // With the loop gone nobody wants to know.
                let _ = told.send(Told::Streamed { stream: number, at, outcome: outcome.map(Box::new) });
            };
            read_results_in_order(results, tell).await;
        });
        let stream = Rc::new(RefCell::new(stream));
        if let Some(place) = self.prototype.as_mut().and_then(|prototype| prototype.streams.get_mut(lane)) {
            *place = Some(Rc::clone(&stream));
        }
        Some(stream)
    }

    fn open_long(&mut self, cx: &mut Context<'_>) -> Option<(LongStream, ReceiveStream)> {
        let Link::Up { session, .. } = &mut self.link else { return None };
        let Poll::Ready(Ok(stream)) = session.handle.poll_open_bidirectional_stream(cx) else { return None };
        let (results, send) = stream.split();
        let number = self.next_id;
        self.next_id += 1;
        Some((LongStream::new(number, send), results))
    }

    /// Sends junk, where it is time for some and the last piece is through.
    fn begin_probe(&mut self, now: Monotonic, cx: &mut Context<'_>) {
        let round_trip = self.seen.smoothed.as_secs_f64();
        let path = if round_trip > 0.0 { self.flow.window_bytes as f64 / round_trip } else { 0.0 };
        let Some(prototype) = &mut self.prototype else { return };
        let shares = prototype.shares.iter().sum();
        let Some((schedule, stream)) = &mut prototype.probe else { return };
        if stream.as_ref().is_some_and(|stream| stream.unsent_bytes() > 0) {
            return;
        }
        let bytes = schedule.next(now, path, shares);
        let Some(payload_bytes) = u32::try_from(bytes).ok().filter(|bytes| *bytes > 0) else { return };
        if stream.is_none() {
            // Nothing comes back for a probe.
            let Some((opened, _)) = self.open_long(cx) else { return };
            if let Some((_, place)) = self.prototype.as_mut().and_then(|prototype| prototype.probe.as_mut()) {
                *place = Some(opened);
            }
        }
        let Some(prototype) = &mut self.prototype else { return };
        prototype.probes += 1;
        let header = FrameHeader {
            service: 0,
            seq: prototype.probes,
            budget: std::time::Duration::from_micros(u64::from(MAX_BUDGET_US)),
            model: 0,
            payload: Payload::Input(Coding::Png),
            width: 1,
            height: 1,
            frame_width: 1,
            frame_height: 1,
            payload_bytes,
            sent_ns: now.as_ns(),
            flags: FrameFlags { follows: true, probe: true },
        };
        if let Some((_, Some(stream))) = &mut prototype.probe {
            stream.begin_probe(&header.encode(), bytes);
        }
    }

    /// A result came on a long stream, or none will any more.
    pub(super) fn streamed(&mut self, stream: u64, at: Monotonic, outcome: Result<Arrived, String>) {
        match outcome {
            Ok(arrived) => {
                let of = |flight: &&Flight| flight.is_on(stream) && flight.ticket.seq == arrived.result.seq;
                if let Some(id) = self.flights.iter().find(of).map(|flight| flight.id) {
                    self.landed(id, at, Ok(arrived));
                }
            }
            Err(reason) => {
                if let Some(prototype) = &mut self.prototype {
                    let broken = |place: &&mut Option<Rc<RefCell<LongStream>>>| {
                        place.as_ref().is_some_and(|other| other.borrow().number == stream)
                    };
                    prototype.streams.iter_mut().filter(broken).for_each(|place| *place = None);
                }
                let of: Vec<FlightId> =
                    self.flights.iter().filter(|flight| flight.is_on(stream)).map(|flight| flight.id).collect();
                for id in of {
                    self.landed(id, at, Err(reason.clone()));
                }
            }
        }
    }
}
