//! The driver's frames: in from the mailboxes, chunk by chunk to QUIC, out as answers.

use std::task::Context;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::trace::HopTimes;
use rt_core::trace::counters::Counter;

use super::books::{Handed, HandedOver, Taken};
use super::{Driver, Link};
use crate::car::flight::{Arrived, Flight, FlightId, Progress, Ticket};
use crate::car::gate;
use crate::car::queue::{Outlook, Waiting, hopeless};
use crate::car::{CloudReply, LinkEvent, Outgoing, ReplyStatus};
use crate::carrier::Carrier;
use crate::wire::frame::{FrameFlags, FrameHeader, HEADER_BYTES};
use crate::wire::result::{FrameResult, Status};
use crate::wire::{MAX_FRAME_BYTES, MAX_SIDE};

/// Where nothing was heard for this long after an acknowledgement was due, no frame is begun until one comes.
const STALL: Duration = Duration::from_millis(80);
/// Frames of one service that may be in the network and the cloud at a time; beyond it, its next frame waits.
const MOST_IN_CLOUD: usize = 8;

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// Takes the newest frame of every service; with no link it is answered at once.
    pub(super) fn take_inputs(&mut self, now: Monotonic) {
        let up = matches!(self.link, Link::Up { .. });
        for lane in 0..self.lanes.len() {
            let share = self.lanes.get_mut(lane).and_then(|lane| lane.share.as_mut()?.take());
            if let Some(bits_per_s) = share {
                self.queue.set_share(lane, bits_per_s / 8.0, now);
                if let Some(prototype) = &mut self.prototype {
                    prototype.set_share(lane, bits_per_s / 8.0);
                }
            }
            let Some(frame) = self.lanes.get_mut(lane).and_then(|lane| lane.input.take()) else { continue };
            if !up {
                self.answer_unsent(lane, &Taken { frame, at: now }, ReplyStatus::LinkDown, now);
                continue;
            }
            let waiting = Waiting {
                deadline: frame.meta.deadline,
                bytes: frame.bytes.as_ref().len().saturating_add(HEADER_BYTES),
                execution: self.execution(frame.model),
                fresh: frame.meta.deadline.budget_at(frame.encoded_at),
                item: Taken { frame, at: now },
            };
            if let Some(older) = self.queue.offer(lane, waiting) {
                self.answer_unsent(lane, &older.item, ReplyStatus::Superseded, now);
            }
        }
    }

    fn execution(&self, model: u16) -> Duration {
        let Link::Up { session, .. } = &self.link else { return Duration::ZERO };
        let name = self.models.get(usize::from(model));
        let entry = session.menu.models.iter().find(|entry| Some(&entry.name) == name);
        entry.map_or(Duration::ZERO, |entry| Duration::from_micros(u64::from(entry.p50_us)))
    }

    pub(super) fn outlook(&self, now: Monotonic) -> Outlook {
        Outlook {
            rate: self.estimator.rate(now),
            low_rate: self.estimator.low_rate(now),
            trusted: self.estimator.is_measured(now),
            min_rtt: self.min_rtt.get(),
            ahead_bytes: self.flow.in_flight_bytes.saturating_add(self.feed.unsent_bytes()),
            loss: self.loss.fraction(),
            mends_at_once: self.datagrams.mends_at_once(),
        }
    }

    /// Writes as much as the gate allows, begins frames, gives up those that cannot make it.
    pub(super) fn pump(&mut self, now: Monotonic, cx: &mut Context<'_>) {
        if !matches!(self.link, Link::Up { .. }) {
            return;
        }
        if self.prototype.is_some() {
            return self.pump_prototype(now, cx);
        }
        let outlook = self.outlook(now);
        while let Some((lane, frame)) = self.queue.take_expired(now, outlook.min_rtt) {
            self.answer_unsent(lane, &frame.item, ReplyStatus::Expired, now);
        }
        self.review(now, &outlook);
        let window = gate::window_bytes(outlook.rate, outlook.min_rtt, outlook.headroom(), self.min_rtt.part(now));
        // Bounded: each turn writes a chunk, begins a frame or ends the loop.
        while self.feed.is_open(self.flow.in_flight_bytes, window, outlook.rate) {
            let given = match self.flights.iter_mut().find(|flight| flight.wants_to_write()) {
                Some(flight) => match flight.write_chunk(gate::chunk_bytes(outlook.rate), now, cx) {
                    Ok(0) => return,
                    Ok(written) => {
                        self.books.traffic.sent(flight.ticket.service, written as u64);
                        written
                    }
                    // Stopped by the cloud: the flight asks for no more.
                    Err(_) => continue,
                },
                None => {
                    // A path that does not answer is given no further frame: its successor may yet be in time.
                    if self.stalls(now) || !self.begin(now, &self.outlook(now), cx) {
                        return;
                    }
                    HEADER_BYTES
                }
            };
            self.feed.give(given as u64);
            self.estimator.sent(now);
            if let Link::Up { session, .. } = &self.link {
                session.governor.fed();
            }
        }
    }

    /// Whether the path does not answer: behind what it holds already a frame would wait, and a newer one may be there
    /// when it goes on.
    fn stalls(&self, now: Monotonic) -> bool {
        self.links.rules.is_suspect(now) || self.estimator.silence(now) > self.min_rtt.get() + STALL
    }

    /// Looks through the begun frames: gives up those that cannot make it, answers those whose deadline has come.
    pub(super) fn review(&mut self, now: Monotonic, outlook: &Outlook) {
        let contended = self.queue.has_promising(now, outlook, |_| true);
        let mut index = 0;
        while let Some(flight) = self.flights.get_mut(index) {
            let deadline = flight.ticket.deadline;
            let given_up = || hopeless(now, deadline, flight.unsent_bytes(), contended, outlook);
            if self.prototype.is_none() && given_up() {
                let flight = self.flights.swap_remove(index);
                // A frame that all went once and waits to repeat a loss says nothing about the rate.
                if flight.sent_at.is_none() {
                    let delivered = self.flow.acked_bytes.saturating_sub(flight.delivered_before);
                    self.estimator.late(now, delivered, now.saturating_since(flight.started));
                }
                if !flight.answered {
                    self.answer(&flight, ReplyStatus::Reset, None, now);
                }
                flight.reset();
                self.feed.forget();
                continue;
            }
            if deadline.passed_at(now) && !flight.answered {
                flight.answered = true;
                let (ticket, hops, bytes) = (flight.ticket, flight.hops(None, None), flight.written_bytes);
                let came = flight.progress();
                self.reply(ticket, came, ReplyStatus::Expired, Detections::new(), hops, bytes, now);
            } else if now > deadline.instant().plus(Flight::AFTERLIFE) {
                self.flights.swap_remove(index).reset();
                self.feed.forget();
                continue;
            }
            index += 1;
        }
    }

    /// Begins the next frame, where one is due and a stream can be had.
    fn begin(&mut self, now: Monotonic, outlook: &Outlook, cx: &mut Context<'_>) -> bool {
        if !matches!(self.link, Link::Up { .. }) {
            return false;
        }
        if self.queue.is_empty() {
            return false;
        }
        let (flights, current) = (&self.flights, self.epoch);
        // What a connection that was left still has to answer is no reason to hold back.
        let here = |flight: &&Flight, lane| flight.ticket.lane == lane && flight.connection == current;
        let ready = |lane| flights.iter().filter(|flight| here(flight, lane)).count() < MOST_IN_CLOUD;
        let Some((lane, waiting)) = self.queue.admit(now, outlook, ready) else { return false };
        let (carrier, repair) = self.carrier_for(&waiting, now, outlook);
        let Waiting { item: mut frame, .. } = waiting;
        let Link::Up { session, .. } = &self.link else { return false };
        let Some(header) = header(&frame.frame, &self.models, &session.menu, now) else {
            self.answer_unsent(lane, &frame, ReplyStatus::Error, now);
            return true;
        };
        let ticket = frame.ticket(lane);
        if carrier == Carrier::Datagram {
            match self.begin_in_datagrams(ticket, &header, frame, now, repair) {
                Ok(()) => return true,
                // Too large for datagrams, or the cloud takes none: a stream carries it.
                Err(back) => frame = back,
            }
        }
        let waiting = Waiting { item: frame, ..waiting };
        self.begin_on_stream(ticket, &header, waiting, now, cx)
    }

    /// The cloud's answer to a flight came, or will not come.
    pub(super) fn landed(&mut self, id: FlightId, at: Monotonic, outcome: Result<Arrived, String>) {
        let heard = crate::reactor::now();
        let Some(index) = self.flights.iter().position(|flight| flight.id == id) else { return };
        let flight = self.flights.swap_remove(index);
        if let Ok(arrived) = &outcome {
            self.books.traffic.received(flight.ticket.service, u64::from(arrived.bytes));
        }
        let result = outcome.as_ref().map(|arrived| &arrived.result);
        let status = match result {
            Ok(result) if result.seq != flight.ticket.seq => ReplyStatus::Error,
            Ok(result) => {
                if flight.connection == self.epoch {
                    self.estimator.train(at, result.train.bytes_per_s as f64, result.train.bytes);
                    let cloud = result.times.total().saturating_sub(result.times.receive);
                    let passage =
                        at.saturating_since(flight.started).saturating_sub(cloud).saturating_sub(self.min_rtt.get());
                    self.estimator.passed(at, flight.written_bytes, passage);
                    // Stamps that cannot be are counted there; the result itself may be right all the same.
                    let _ = self.clocks.sample(flight.started, at, &result.stamps);
                }
                result.status.into()
            }
            Err(_) => ReplyStatus::Error,
        };
        if result.is_ok_and(|result| result.status == Status::Expired) && flight.sent_at.is_none() {
            let delivered = self.flow.acked_bytes.saturating_sub(flight.delivered_before);
            self.estimator.late(at, delivered, at.saturating_since(flight.started));
        }
        let handed = match flight.answered {
            true => Handed::Late,
            false => self.answer(&flight, status, result.ok(), at).map_or(Handed::NoRoom, Handed::Over),
        };
        if let Ok(arrived) = &outcome {
            self.result_ended(&flight.ticket, arrived, heard, handed);
        }
        if flight.unsent_bytes() > 0 {
            flight.reset();
            self.feed.forget();
        }
    }

    /// A connection is gone: what was begun on it is answered now.
    pub(super) fn lose(&mut self, connection: u64) {
        let now = crate::reactor::now();
        let (gone, kept) = std::mem::take(&mut self.flights).into_iter().partition(|f| f.connection == connection);
        self.flights = kept;
        let gone: Vec<Flight> = gone;
        for flight in gone {
            if !flight.answered {
                self.answer(&flight, ReplyStatus::LinkDown, None, now);
            }
            flight.reset();
        }
    }

    /// There is no connection: what waits is answered now.
    pub(super) fn answer_waiting(&mut self, now: Monotonic) {
        while let Some((lane, waiting)) = self.queue.take_any() {
            self.answer_unsent(lane, &waiting.item, ReplyStatus::LinkDown, now);
        }
    }

    /// Frames go another way from now on: the stack gets what is left of a begun one.
    pub(super) fn finish_begun(&mut self, now: Monotonic) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for flight in self.flights.iter_mut().filter(|flight| flight.wants_to_write()) {
            // Where it is stopped, its answer says why.
            if let Ok(written) = flight.write_chunk(usize::MAX, now, &mut cx) {
                self.books.traffic.sent(flight.ticket.service, written as u64);
            }
        }
    }

    /// Answers a begun frame; `None` where its service's ring had no room.
    pub(super) fn answer(
        &mut self,
        flight: &Flight,
        status: ReplyStatus,
        result: Option<&FrameResult>,
        at: Monotonic,
    ) -> Option<HandedOver> {
        let hops = flight.hops(Some(at), result);
        let detections = result.map(|result| result.detections.clone()).unwrap_or_default();
        self.reply(flight.ticket, flight.progress(), status, detections, hops, flight.written_bytes, at)
    }

    pub(super) fn answer_unsent(&mut self, lane: usize, frame: &Taken<B>, status: ReplyStatus, at: Monotonic) {
        let came = Progress::default();
        self.reply(frame.ticket(lane), came, status, Detections::new(), HopTimes::default(), 0, at);
    }

    /// The one answer that a frame gets.
    #[allow(clippy::too_many_arguments, reason = "all that a frame's end says")]
    fn reply(
        &mut self,
        ticket: Ticket,
        came: Progress,
        status: ReplyStatus,
        detections: Detections,
        hops: HopTimes,
        uplink_bytes: u64,
        received_at: Monotonic,
    ) -> Option<HandedOver> {
        self.frame_ended(&ticket, came, status, received_at);
        let lane = self.lanes.get_mut(ticket.lane)?;
        let reply = CloudReply {
            service: ticket.service,
            seq: ticket.seq,
            status,
            model: ticket.model,
            detections,
            hops,
            uplink_bytes,
            received_at,
        };
        let pushed = lane.output.push(reply).is_ok();
        let pushed_at = crate::reactor::now();
        lane.output_bell.ring();
        if pushed {
            self.counters.count(Counter::Items);
            return Some(HandedOver { pushed_at, rung_at: crate::reactor::now() });
        }
        self.counters.count(Counter::Drops);
        self.dropped_replies += 1;
        self.log_dropped();
        None
    }

    fn log_dropped(&mut self) {
        let count = self.dropped_replies;
        if let Some(events) = &mut self.events
            && events.push(LinkEvent::RepliesDropped { count }).is_ok()
        {
            self.dropped_replies = 0;
        }
    }
}

/// The frame's header, or `None` where the frame cannot be sent: no such model in the menu, too large, no pixels.
pub(super) fn header<B: AsRef<[u8]>>(
    frame: &Outgoing<B>,
    models: &[String],
    menu: &crate::wire::menu::CloudMenu,
    now: Monotonic,
) -> Option<FrameHeader> {
    let side = |pixels: u32| u16::try_from(pixels).ok().filter(|side| (1..=MAX_SIDE).contains(side));
    let length = frame.bytes.as_ref().len();
    Some(FrameHeader {
        service: frame.meta.service,
        seq: frame.meta.seq,
        budget: frame.meta.deadline.budget_at(now),
        model: menu.index_of(models.get(usize::from(frame.model))?)?,
        payload: frame.payload,
        width: side(frame.width)?,
        height: side(frame.height)?,
        frame_width: side(frame.meta.width)?,
        frame_height: side(frame.meta.height)?,
        payload_bytes: u32::try_from(length).ok().filter(|bytes| (1..=MAX_FRAME_BYTES).contains(bytes))?,
        sent_ns: now.as_ns(),
        flags: FrameFlags::default(),
    })
}
