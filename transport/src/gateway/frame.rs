//! One frame's stream: header, payload, outcome, result.

mod link;
mod receive;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rt_core::trace::images::{Direction, ImageStep};
use s2n_quic::stream::{BidirectionalStream, ReceiveStream};

use super::journey::{Answering, Journey};
use super::offence::Offence;
use crate::reactor::{sleep_until, within};
use crate::wire::code;
use crate::wire::frame::FrameHeader;
use crate::wire::result::{FrameResult, Status};
use crate::wire::stream::abandon;
pub(super) use link::Link;
use link::{Held, Serving};
use receive::{Incoming, NoFrame, read_header, read_payload};

/// Serves one stream.
pub(super) async fn serve(link: Rc<Link>, stream: BidirectionalStream) {
    let _serving = Serving::new(&link.hub.borrow().stats);
    let (mut receive, mut send) = stream.split();
    match result(&link, &mut receive).await {
        Ok((service, mut result)) => {
            let known = crate::reactor::now();
            // What still comes of a frame that was refused early is not wanted.
            let _ = receive.stop_sending(code::DONE.into());
            let begun = crate::reactor::now();
            result.stamps.result_sent_ns = begun.as_ns();
            let bytes = result.encode();
            let mut answering = Answering::encoded(&link.hub, (service, result.seq), bytes.len(), known);
            answering.opened(begun, begun);
            if send.send(Bytes::from(bytes)).await.is_ok() {
                let written = crate::reactor::now();
                let _ = send.finish();
                answering.sent(begun, written);
            }
        }
        Err(reason) => {
            let code = match reason {
                NoFrame::GivenUp => {
                    link.hub.borrow().stats.resets.fetch_add(1, Ordering::Relaxed);
                    code::STALE
                }
                NoFrame::Left => code::DONE,
                NoFrame::Offence(offence, reason) => {
                    link.offend(offence, reason);
                    code::PROTOCOL
                }
            };
            let _ = receive.stop_sending(code.into());
            abandon(&mut send, code);
        }
    }
}

/// The frame's service and its result.
async fn result(link: &Rc<Link>, receive: &mut ReceiveStream) -> Result<(u16, FrameResult), NoFrame> {
    let time = link.hub.borrow().limits.header_time;
    let Some(incoming) = within(time, read_header(link, receive)).await else {
        let reason = format!("no frame header within {} ms", time.as_millis());
        return Err(NoFrame::Offence(Offence::HeaderTime, reason));
    };
    let incoming = incoming?;
    let frame = (incoming.header.service, incoming.header.seq);
    let bytes = incoming.header.payload_bytes;
    let mut journey = Journey::begin(&link.hub, Direction::Incoming, frame, bytes, incoming.received_at);
    let answered = answer(link, incoming, receive, &mut journey).await;
    match &answered {
        Ok(result) => journey.end_with(result.status),
        Err(NoFrame::GivenUp) => journey.end("reset"),
        Err(NoFrame::Left) => journey.end("link_down"),
        Err(NoFrame::Offence(..)) => journey.end("error"),
    }
    answered.map(|result| (frame.0, result))
}

/// What speaks against a frame whose header is well formed.
pub(super) fn objection(link: &Link, header: &FrameHeader) -> Option<(Status, Offence, String)> {
    let hub = link.hub.borrow();
    let (car, service, limits) = (&link.car, header.service, &hub.limits);
    if header.payload_bytes > limits.max_frame_bytes {
        let reason =
            format!("{car} sends a frame of {} bytes; {} are allowed", header.payload_bytes, limits.max_frame_bytes);
        return Some((Status::Error, Offence::FrameBytes, reason));
    }
    if !hub.has_model(header.model) {
        return Some((
            Status::Error,
            Offence::Model,
            format!("{car} asks for model {}, which is not on the menu", header.model),
        ));
    }
    match link.services.borrow_mut().admit(service, header.seq) {
        Err(offence @ Offence::Service) => {
            let reason =
                format!("{car} sends a frame of service {service}; {} services are allowed", limits.max_services);
            Some((Status::Overload, offence, reason))
        }
        Err(offence) => {
            let reason =
                format!("{car} sends frame {} of service {service} again, or long after newer ones", header.seq);
            Some((Status::Superseded, offence, reason))
        }
        Ok(()) => None,
    }
}

/// Sets the frame's bytes aside, unless something speaks against it: then how it ends.
fn admit(link: &Link, incoming: &Incoming) -> Option<Status> {
    let header = &incoming.header;
    if let Some((status, offence, reason)) = objection(link, header) {
        link.offend(offence, reason);
        return Some(status);
    }
    if incoming.deadline.passed_at(crate::reactor::now()) {
        return Some(Status::Expired);
    }
    let held = link.hub.borrow_mut().hold(link.connection, u64::from(header.payload_bytes));
    if let Err(why) = held {
        link.offend(Offence::CarBytes, format!("a frame of {} bytes of {}: {why}", header.payload_bytes, link.car));
        return Some(Status::Overload);
    }
    None
}

/// The frame's result, entered in the books.
async fn answer(
    link: &Link,
    incoming: Incoming,
    receive: &mut ReceiveStream,
    journey: &mut Journey,
) -> Result<FrameResult, NoFrame> {
    let (header, received_at) = (incoming.header, incoming.received_at);
    let stamps = incoming.stamps();
    let result = match admit(link, &incoming) {
        Some(status) => FrameResult { stamps, ..FrameResult::refusal(header.seq, status) },
        None => {
            let _held = Held { link, bytes: u64::from(header.payload_bytes) };
            process(link, incoming, receive, journey).await?
        }
    };
    link.served(&header, &result, received_at);
    Ok(result)
}

/// Reads the payload until the deadline, then has it detected.
async fn process(
    link: &Link,
    mut incoming: Incoming,
    receive: &mut ReceiveStream,
    journey: &mut Journey,
) -> Result<FrameResult, NoFrame> {
    journey.step(ImageStep::Intermediate, incoming.received_at, crate::reactor::now());
    let header = incoming.header;
    let deadline = incoming.deadline.instant();
    let whole = tokio::select! {
        biased;
        whole = read_payload(&mut incoming, receive) => {
            whole?;
            true
        }
        () = sleep_until(deadline) => {
            link.hub.borrow().stats.trickled.fetch_add(1, Ordering::Relaxed);
            false
        }
    };
    let stamps = incoming.stamps();
    journey.step(ImageStep::TxRx, incoming.received_at, incoming.newest_at);
    drop(incoming.receiving);
    let train = link.metrics.arrivals().rate_since(incoming.received_at);
    let span = incoming.newest_at.saturating_since(incoming.received_at);
    let mut result = FrameResult::refusal(header.seq, Status::Expired);
    if whole && !incoming.deadline.passed_at(crate::reactor::now()) {
        let submitted = crate::reactor::now();
        journey.step(ImageStep::ShmCopy, incoming.newest_at, submitted);
        let outcome = link.hub.borrow_mut().submit(
            link.connection,
            Arc::clone(&link.car),
            header,
            Bytes::from(incoming.payload),
            submitted,
            incoming.deadline,
        );
        let outcome = outcome.await.map_err(|_| NoFrame::Left)?;
        journey.worked(submitted, outcome.dispatched_at);
        result.status = outcome.status;
        result.times = outcome.times;
        result.detections = outcome.detections;
    }
    result.times.receive = span;
    result.train = train;
    result.stamps = stamps;
    Ok(result)
}
