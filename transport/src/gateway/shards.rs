//! Frames in datagrams: collected from shards, detected like any other, answered on a stream of their own.

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::trace::images::{Direction, ImageStep};
use s2n_quic::connection::Handle;
use s2n_quic::stream::SendStream;
use std::rc::Rc;

use super::frame::{Held, Link, objection};
use super::journey::{Answering, Journey};
use super::offence::Offence;
use crate::carrier::code::Decoder;
use crate::carrier::provider::{Batch, arrivals, receive, with_outbox};
use crate::carrier::reassembly::{Ledger, Reassembly, ReassemblyLimits, Step, WholeFrame};
use crate::reactor::{now, sleep_until};
use crate::wire::datagram::{Datagram, MAX_OBJECT_BYTES, Message, Progress, Reception, decode, encode_result_head};
use crate::wire::frame::{FrameHeader, MAX_HEADER_BYTES, header_length};
use crate::wire::result::{FrameResult, Stamps, Status};

/// The car's account at the hub.
struct Account<'a>(&'a Link);

impl Ledger for Account<'_> {
    fn hold(&mut self, bytes: u64) -> bool {
        self.0.hub.borrow_mut().hold(self.0.connection, bytes).is_ok()
    }

    fn release(&mut self, bytes: u64) {
        if let Ok(mut hub) = self.0.hub.try_borrow_mut() {
            hub.release(self.0.connection, bytes);
        }
    }
}

/// What a connection collects; whatever of it is left when this is dropped is given back.
struct Collector {
    link: Rc<Link>,
    connection: Handle,
    reassembly: Reassembly,
    decoder: Decoder,
    /// Frames being collected, as the trains were told.
    counted: usize,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.reassembly.clear(&mut Account(&self.link));
        self.count();
    }
}

/// Collects a connection's frames until the task is dropped.
pub(super) async fn serve(link: Rc<Link>, connection: Handle) {
    let limits = {
        let hub = link.hub.borrow();
        let most = hub.limits.max_frame_bytes.saturating_add(MAX_HEADER_BYTES as u32).min(MAX_OBJECT_BYTES);
        ReassemblyLimits { max_frames: hub.limits.max_reassembling, max_object_bytes: most }
    };
    let wake = arrivals(&connection);
    let (reassembly, decoder) = (Reassembly::new(limits), Decoder::default());
    let mut collector = Collector { link, connection, reassembly, decoder, counted: 0 };
    let mut batch = Batch::default();
    loop {
        match collector.reassembly.next_due() {
            Some(due) => tokio::select! {
                biased;
                () = wake.notified() => {}
                () = sleep_until(due) => {}
            },
            None => wake.notified().await,
        }
        receive(&collector.connection, &mut batch);
        let now = now();
        for datagram in batch.iter() {
            collector.take(now, datagram);
        }
        collector.look_round(now);
        collector.count();
    }
}

impl Collector {
    fn take(&mut self, now: Monotonic, datagram: &[u8]) {
        let (header, shard) = match decode(datagram) {
            Ok(Datagram::Shard(header, shard)) => (header, shard),
            Ok(Datagram::Abandon(frame)) => {
                return self.reassembly.abandon(now, frame, &mut Account(&self.link));
            }
            Ok(Datagram::Progress(_)) => return self.refuse("a progress report from a car".to_owned()),
            Err(error) => return self.refuse(error.to_string()),
        };
        let round_trip = self.link.metrics.min_rtt();
        let account = &mut Account(&self.link);
        let step = self.reassembly.shard(now, &header, shard, round_trip, &mut self.decoder, account);
        self.expect(u64::from(header.layout.object_bytes()));
        match step {
            Step::Nothing => {}
            Step::Report(report) => self.tell(report.encode()),
            Step::Whole(whole) => self.whole(now, whole),
        }
    }

    fn look_round(&mut self, now: Monotonic) {
        let round_trip = self.link.metrics.min_rtt();
        while let Some(report) = self.reassembly.due(now, round_trip, &mut Account(&self.link)) {
            self.tell(report.encode());
        }
    }

    /// Tells the trains of a frame that has begun to arrive, of `bytes` in all.
    fn expect(&mut self, bytes: u64) {
        while self.counted < self.reassembly.len() {
            self.link.metrics.arrivals().enter(bytes);
            self.counted += 1;
        }
    }

    /// Tells the trains which frames no longer arrive.
    fn count(&mut self) {
        while self.counted > self.reassembly.len() {
            self.link.metrics.arrivals().leave(0);
            self.counted -= 1;
        }
    }

    fn tell(&self, message: Message) {
        // A connection that is gone needs to be told nothing.
        let _ = with_outbox(&self.connection, |outbox| outbox.message(message));
    }

    fn refuse(&self, reason: String) {
        self.link.offend(Offence::Header, reason);
    }

    fn whole(&mut self, now: Monotonic, whole: WholeFrame) {
        let held = Held { link: Rc::clone(&self.link), bytes: whole.held_bytes };
        let number = whole.frame;
        match split(&whole.object) {
            Ok((header, payload)) => {
                let frame = Collected { header, payload, whole, held };
                tokio::task::spawn_local(answer(Rc::clone(&self.link), self.connection.clone(), frame));
                self.tell(Progress::last(number, Reception::Whole).encode());
            }
            Err(reason) => {
                self.refuse(reason);
                let wrong = self.reassembly.wrong(now, number);
                self.tell(wrong.encode());
            }
        }
    }
}

/// A frame that is whole, and what it is.
struct Collected {
    header: FrameHeader,
    payload: Bytes,
    whole: WholeFrame,
    held: Held,
}

/// Cuts an object into header and payload.
fn split(object: &Bytes) -> Result<(FrameHeader, Bytes), String> {
    let prefix = object.first_chunk::<2>().ok_or_else(|| format!("an object of {} bytes", object.len()))?;
    let length = header_length(*prefix).map_err(|error| error.to_string())?;
    let header = FrameHeader::decode(object).map_err(|error| error.to_string())?;
    if !header.flags.is_plain() {
        return Err("a frame in datagrams is followed by none and is no probe".to_owned());
    }
    let have = object.len().saturating_sub(length);
    if u32::try_from(have) != Ok(header.payload_bytes) {
        return Err(format!("{have} bytes came of a frame of {}", header.payload_bytes));
    }
    Ok((header, object.slice(length..)))
}

/// Has a frame detected and sends its result.
async fn answer(link: Rc<Link>, mut connection: Handle, frame: Collected) {
    let Collected { header, payload, whole, held } = frame;
    let number = whole.frame;
    let name = (header.service, header.seq);
    let mut journey = Journey::begin(&link.hub, Direction::Incoming, name, header.payload_bytes, whole.first_at);
    let Some(result) = detect(&link, header, payload, &whole, &mut journey).await else { return };
    journey.end_with(result.status);
    drop((held, journey));
    link.served(&header, &result, whole.first_at);
    let known = now();
    let bytes = [encode_result_head(number).as_slice(), &result.encode()].concat();
    let mut answering = Answering::encoded(&link.hub, name, bytes.len(), known);
    let asked = now();
    // A stream of its own: nothing before it can hold the result back.
    if let Ok(stream) = connection.open_send_stream().await {
        answering.opened(known, asked);
        send(stream, bytes, answering).await;
    }
}

/// The frame's result, or `None` where the car has left.
async fn detect(
    link: &Link,
    header: FrameHeader,
    payload: Bytes,
    whole: &WholeFrame,
    journey: &mut Journey,
) -> Option<FrameResult> {
    let deadline = Deadline::at(whole.deadline);
    let now = now();
    link.received(header.service, whole.object.len());
    journey.step(ImageStep::TxRx, whole.first_at, whole.newest_at);
    journey.step(ImageStep::Intermediate, whole.newest_at, now);
    let train = link.metrics.arrivals().rate_since(whole.first_at);
    let refused = match objection(link, &header) {
        Some((status, offence, reason)) => {
            link.offend(offence, reason);
            Some(status)
        }
        None => deadline.passed_at(now).then_some(Status::Expired),
    };
    let mut result = FrameResult::refusal(header.seq, refused.unwrap_or(Status::Expired));
    if refused.is_none() {
        let car = std::sync::Arc::clone(&link.car);
        let submitted = crate::reactor::now();
        journey.step(ImageStep::ShmCopy, now, submitted);
        let outcome = link.hub.borrow_mut().submit(link.connection, car, header, payload, now, deadline);
        let outcome = outcome.await.ok()?;
        journey.worked(submitted, outcome.dispatched_at);
        (result.status, result.times, result.detections) = (outcome.status, outcome.times, outcome.detections);
    }
    result.times.receive = whole.newest_at.saturating_since(whole.first_at);
    result.train = train;
    result.stamps = Stamps {
        car_sent_ns: header.sent_ns,
        header_received_ns: whole.first_at.as_ns(),
        last_received_ns: whole.newest_at.as_ns(),
        result_sent_ns: crate::reactor::now().as_ns(),
    };
    Some(result)
}

async fn send(mut stream: SendStream, bytes: Vec<u8>, answering: Answering) {
    let begun = now();
    if stream.send(Bytes::from(bytes)).await.is_ok() {
        let written = now();
        let _ = stream.finish();
        answering.sent(begun, written);
    }
}
