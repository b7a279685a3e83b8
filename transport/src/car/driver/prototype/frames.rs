//! Frames onto long streams, and results off them.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use rt_core::clock::Monotonic;
use s2n_quic::stream::ReceiveStream;

use crate::car::ReplyStatus;
use crate::car::driver::books::Taken;
use crate::car::driver::frames::header;
use crate::car::driver::{Driver, Link, Told};
use crate::car::flight::{Arrived, Flight, FlightId, read_results_in_order};
use crate::car::queue::Waiting;
use crate::carrier::long_stream::LongStream;
use crate::carrier::{FrameCarrier, LongFrame};
use crate::wire::frame::{FrameFlags, FrameHeader};

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// What [`Driver::pump`] is to turbo's discipline.
    pub(in crate::car::driver) fn pump_prototype(&mut self, now: Monotonic, cx: &mut Context<'_>) {
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

    pub(super) fn open_long(&mut self, cx: &mut Context<'_>) -> Option<(LongStream, ReceiveStream)> {
        let Link::Up { session, .. } = &mut self.link else { return None };
        let Poll::Ready(Ok(stream)) = session.handle.poll_open_bidirectional_stream(cx) else { return None };
        let (results, send) = stream.split();
        let number = self.next_id;
        self.next_id += 1;
        Some((LongStream::new(number, send), results))
    }

    /// A result came on a long stream, or none will any more.
    pub(in crate::car::driver) fn streamed(&mut self, stream: u64, at: Monotonic, outcome: Result<Arrived, String>) {
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
