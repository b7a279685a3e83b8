//! Which carrier a frame takes, and how it is begun on each; what the cloud reports on frames in datagrams.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::Monotonic;
use s2n_quic::connection::ReceiveStreamAcceptor;
use tokio::sync::mpsc;

use super::books::Taken;
use super::{Driver, Link, Told};
use crate::car::ReplyStatus;
use crate::car::flight::{Flight, FlightId, Ticket, read_result, read_result_stream};
use crate::car::queue::{Outlook, Waiting, late_part};
use crate::carrier::choice::{ChoiceInputs, choose};
use crate::carrier::code::{CodeError, Encoder, Object};
use crate::carrier::outbox::{NewFrame, Outbox};
use crate::carrier::provider::{Batch, receive, shard_room, with_outbox};
use crate::carrier::repair::{RepairInputs, repair_shards};
use crate::carrier::{Carrier, CarrierChoice, DatagramFrame, FrameCarrier, StreamFrame};
use crate::wire::datagram::{Datagram, Progress, Reception, decode};
use crate::wire::frame::{FrameHeader, HEADER_BYTES};
use crate::wire::layout::ShardLayout;

/// What the driver keeps for frames in datagrams.
pub(super) struct Datagrams {
    choice: CarrierChoice,
    /// What the last frame took.
    last: Carrier,
    encoder: Encoder,
    inbox: Batch,
}

impl Datagrams {
    pub(super) fn new(choice: CarrierChoice) -> Self {
        Self { choice, last: Carrier::default(), encoder: Encoder::default(), inbox: Batch::default() }
    }
}

impl Datagrams {
    /// Whether a frame without the time to send a packet again gets the repair that makes up for it.
    pub(super) fn mends_at_once(&self) -> bool {
        self.choice != CarrierChoice::Pinned(Carrier::Stream)
    }
}

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// What carries the frame, and how many repair shards it gets in datagrams.
    pub(super) fn carrier_for(
        &mut self,
        frame: &Waiting<Taken<B>>,
        now: Monotonic,
        outlook: &Outlook,
    ) -> (Carrier, u16) {
        let (loss, burst) = (self.loss.fraction(), self.loss.burst());
        let repair = repair_shards(&RepairInputs {
            data_shards: self.data_shards(frame.bytes),
            loss,
            burst,
            late_part: late_part(now, frame, outlook),
            // Another frame waits for every byte that repair takes.
            link_full: !self.queue.is_empty(),
        });
        self.datagrams.last = choose(self.datagrams.choice, &ChoiceInputs { repair, loss, burst }, self.datagrams.last);
        (self.datagrams.last, repair)
    }

    /// Into how many shards a frame of `bytes` would be cut; 1 where it cannot be.
    fn data_shards(&self, bytes: usize) -> u16 {
        let Link::Up { session, .. } = &self.link else { return 1 };
        let layout = shard_room(&session.handle).and_then(|room| ShardLayout::cut(bytes, room, 0));
        layout.map_or(1, |layout| layout.data_shards())
    }

    /// Begins a frame on a stream; `false` where none can be had now, and the frame waits on.
    pub(super) fn begin_on_stream(
        &mut self,
        ticket: Ticket,
        header: &FrameHeader,
        waiting: Waiting<Taken<B>>,
        now: Monotonic,
        cx: &mut Context<'_>,
    ) -> bool {
        let Link::Up { session, .. } = &mut self.link else { return false };
        let stream = match session.handle.poll_open_bidirectional_stream(cx) {
            Poll::Ready(Ok(stream)) => stream,
            // No stream to be had: the frame waits on, unless a newer one came, which cannot be within this call.
            Poll::Pending => {
                self.queue.offer(ticket.lane, waiting);
                return false;
            }
            Poll::Ready(Err(_)) => {
                self.answer_unsent(ticket.lane, &waiting.item, ReplyStatus::LinkDown, now);
                return false;
            }
        };
        let (receive, send) = stream.split();
        let id = self.next_id;
        let told = self.told.0.clone();
        let reader = tokio::task::spawn_local(async move {
            let outcome = read_result(receive).await.map(Box::new);
            let _ = told.send(Told::Result { id, at: crate::reactor::now(), outcome });
        });
        let mut carrier = StreamFrame::new(send, Bytes::from_owner(waiting.item.frame.bytes));
        let written = carrier.write_header(&header.encode(), cx);
        let flight = Flight::new(id, self.epoch, ticket, now, FrameCarrier::Stream(carrier), Some(reader));
        self.launch(flight, written);
        true
    }

    /// Begins a frame in datagrams; the frame comes back where they cannot carry it.
    pub(super) fn begin_in_datagrams(
        &mut self,
        ticket: Ticket,
        header: &FrameHeader,
        frame: Taken<B>,
        now: Monotonic,
        repair: u16,
    ) -> Result<(), Taken<B>> {
        let Link::Up { session, .. } = &self.link else { return Err(frame) };
        let bytes = frame.frame.bytes.as_ref().len().saturating_add(HEADER_BYTES);
        let cut = |room: usize, repair| ShardLayout::cut(bytes, room, repair);
        let Some((room, bare)) = shard_room(&session.handle).and_then(|room| Some((room, cut(room, 0)?))) else {
            return Err(frame);
        };
        let layout = cut(room, repair).unwrap_or(bare);
        let id = self.next_id;
        let number = wire_number(id);
        let new = NewFrame {
            frame: number,
            layout,
            header: header.encode(),
            payload: Bytes::from_owner(frame.frame.bytes),
            deadline: ticket.deadline,
        };
        let encoder = &mut self.datagrams.encoder;
        let encode = |object: Object<'_>, repair: &mut Vec<u8>| encoder.encode(layout, object, repair);
        let begun: Option<Result<(), CodeError>> = with_outbox(&session.handle, |outbox| outbox.begin(new, encode));
        let carrier = FrameCarrier::Datagram(DatagramFrame::new(session.handle.clone(), number));
        let flight = Flight::new(id, self.epoch, ticket, now, carrier, None);
        // The layout is within the code's limits and the connection was there a moment ago; if not, the frame is answered
        // as lost with its connection.
        if matches!(begun, Some(Ok(()))) {
            self.launch(flight, Ok(0));
        } else {
            self.answer(&flight, ReplyStatus::LinkDown, None, now);
        }
        Ok(())
    }

    pub(super) fn launch(&mut self, mut flight: Flight, header: Result<usize, String>) {
        self.next_id += 1;
        flight.delivered_before = self.flow.acked_bytes;
        if let Ok(bytes) = &header {
            self.books.traffic.sent(flight.ticket.service, *bytes as u64);
        }
        flight.wrote_header(header);
        self.flights.push(flight);
    }

    /// The flight of a frame in datagrams.
    pub(super) fn in_datagrams(&self, frame: u32) -> Option<FlightId> {
        let flight = self.flights.iter().find(|flight| flight.in_datagrams() && wire_number(flight.id) == frame)?;
        Some(flight.id)
    }

    /// Takes what the cloud reports, and asks after frames of which nothing was heard.
    pub(super) fn hear_progress(&mut self, now: Monotonic) {
        let Link::Up { session, .. } = &self.link else { return };
        let mut inbox = std::mem::take(&mut self.datagrams.inbox);
        receive(&session.handle, &mut inbox);
        if self.flights.iter().any(Flight::in_datagrams) {
            let round_trip = self.round_trip();
            let _ = with_outbox(&session.handle, |outbox| outbox.probe(now, round_trip));
        }
        for bytes in inbox.iter() {
            // Of what the cloud may send only reports mean anything to a car.
            if let Ok(Datagram::Progress(report)) = decode(bytes) {
                self.progress(&report, now);
            }
        }
        self.datagrams.inbox = inbox;
        if let Link::Up { session, .. } = &self.link
            && let Some(dropped) = with_outbox(&session.handle, Outbox::take_dropped)
        {
            self.feed.take_back(dropped);
        }
    }

    fn round_trip(&self) -> Duration {
        self.seen.smoothed.max(self.min_rtt.get())
    }

    /// When a frame in datagrams is next to be asked after.
    pub(super) fn next_probe(&self) -> Option<Monotonic> {
        let Link::Up { session, .. } = &self.link else { return None };
        if !self.flights.iter().any(Flight::in_datagrams) {
            return None;
        }
        with_outbox(&session.handle, |outbox| outbox.next_probe(self.round_trip())).flatten()
    }

    fn progress(&mut self, report: &Progress, now: Monotonic) {
        let Link::Up { session, .. } = &self.link else { return };
        let Some(id) = self.in_datagrams(report.frame) else { return };
        let Some(index) = self.flights.iter().position(|flight| flight.id == id) else { return };
        let Some(flight) = self.flights.get_mut(index) else { return };
        let budget = flight.ticket.deadline.budget_at(now);
        let status = match report.state {
            // What cannot be back in time is not sent again.
            Reception::Partial if budget <= self.min_rtt.get() => return,
            Reception::Partial => None,
            Reception::Whole => {
                flight.arrived(now);
                None
            }
            Reception::Expired => Some(ReplyStatus::Expired),
            Reception::Overload => Some(ReplyStatus::Overload),
            Reception::Error => Some(ReplyStatus::Error),
        };
        let round_trip = self.round_trip();
        // Where this is the last chance, one shard more than is missing, as those sent again may be lost as well.
        let extra = u16::from(budget < round_trip * 2);
        let _ = with_outbox(&session.handle, |outbox| outbox.hear(report, now, round_trip, extra));
        let Some(status) = status else { return };
        let flight = self.flights.swap_remove(index);
        if status == ReplyStatus::Expired && flight.sent_at.is_none() {
            let delivered = self.flow.acked_bytes.saturating_sub(flight.delivered_before);
            self.estimator.late(now, delivered, now.saturating_since(flight.started));
        }
        if !flight.answered {
            self.answer(&flight, status, None, now);
        }
    }
}

/// A frame's number on the wire: the flight's own, as far as 32 bits go.
fn wire_number(id: FlightId) -> u32 {
    (id & u64::from(u32::MAX)) as u32
}

/// Reads results of frames in datagrams, each on a stream of its own; ends with the task that runs it.
pub(in crate::car::driver) async fn read_results(
    streams: Option<ReceiveStreamAcceptor>,
    told: mpsc::UnboundedSender<Told>,
) -> std::convert::Infallible {
    if let Some(mut streams) = streams {
        // The stack bounds how many are open at a time.
        while let Ok(Some(stream)) = streams.accept_receive_stream().await {
            let told = told.clone();
            tokio::task::spawn_local(async move {
                if let Some((frame, outcome)) = read_result_stream(stream).await {
                    let outcome = outcome.map(Box::new);
                    let _ = told.send(Told::Landed { frame, at: crate::reactor::now(), outcome });
                }
            });
        }
    }
    std::future::pending().await
}
