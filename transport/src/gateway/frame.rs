//! A frame off its stream: header, payload, outcome, result. Where more frames follow on it, [`super::long_stream`]
//! goes on.

mod link;
mod receive;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rt_core::trace::images::ImageStep;
use s2n_quic::stream::{BidirectionalStream, SendStream};

use super::journey::Answering;
use super::long_stream;
use super::offence::Offence;
use crate::reactor::{sleep_until, within};
use crate::wire::code;
use crate::wire::frame::FrameHeader;
use crate::wire::result::{FrameResult, Status};
use crate::wire::stream::abandon;
use link::Serving;
pub(super) use link::{Held, Link, Receiving};
use receive::read_payload;
pub(super) use receive::{Incoming, Input, NoFrame, cut_short, read_header};

/// Serves one stream.
pub(super) async fn serve(link: Rc<Link>, stream: BidirectionalStream) {
    let _serving = Serving::new(&link.hub.borrow().stats);
    let (receive, mut send) = stream.split();
    let mut input = Input::new(receive);
    let outcome = match first_header(&link, &mut input).await {
        Ok(first) if !first.header.flags.is_plain() => {
            return long_stream::serve(link, first, input, send).await;
        }
        Ok(incoming) => answer(&link, incoming, &mut input).await,
        Err(reason) => Err(reason),
    };
    match outcome {
        Ok(answered) => {
            // What still comes of a frame that was refused early is not wanted.
            input.stop(code::DONE);
            write(&link, &mut send, answered, true).await;
        }
        Err(reason) => refuse(&link, reason, &mut input, &mut send),
    }
}

/// A result, and of which service.
pub(super) type Answered = (u16, FrameResult);

/// Writes a result, stamped with this moment, and the stream's end where it is the `last`; whether QUIC took it.
pub(super) async fn write(link: &Link, send: &mut SendStream, (service, mut result): Answered, last: bool) -> bool {
    let begun = crate::reactor::now();
    result.stamps.result_sent_ns = begun.as_ns();
    let bytes = result.encode();
    let mut answering = Answering::encoded(&link.hub, (service, result.seq), bytes.len(), begun);
    answering.opened(begun, begun);
    let taken = send.send(Bytes::from(bytes)).await.is_ok();
    if taken {
        let written = crate::reactor::now();
        if last {
            let _ = send.finish();
        }
        answering.sent(begun, written);
    }
    taken
}

/// Ends a stream that gets no more results.
pub(super) fn refuse(link: &Link, reason: NoFrame, input: &mut Input, send: &mut SendStream) {
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
    input.stop(code);
    abandon(send, code);
}

async fn first_header(link: &Rc<Link>, input: &mut Input) -> Result<Incoming, NoFrame> {
    let time = link.hub.borrow().limits.header_time;
    within(time, read_header(link, input)).await.unwrap_or_else(|| {
        let reason = format!("no frame header within {} ms", time.as_millis());
        Err(NoFrame::Offence(Offence::HeaderTime, reason))
    })
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
pub(super) fn admit(link: &Link, incoming: &Incoming) -> Option<Status> {
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
async fn answer(link: &Rc<Link>, mut incoming: Incoming, input: &mut Input) -> Result<Answered, NoFrame> {
    match admit(link, &incoming) {
        Some(status) => Ok(refused(link, incoming, status)),
        None => {
            let held = Held { link: Rc::clone(link), bytes: u64::from(incoming.header.payload_bytes) };
            let whole = collect(link, &mut incoming, input).await?;
            let result = detect(link, incoming, whole).await;
            drop(held);
            result
        }
    }
}

/// The result of a frame that is not taken, entered in the books.
pub(super) fn refused(link: &Link, incoming: Incoming, status: Status) -> Answered {
    let result = FrameResult { stamps: incoming.stamps(), ..FrameResult::refusal(incoming.header.seq, status) };
    link.served(&incoming.header, &result, incoming.received_at);
    if let Some(mut journey) = incoming.journey {
        journey.end_with(status);
    }
    (incoming.header.service, result)
}

/// Reads the payload until the deadline; whether it is whole.
pub(super) async fn collect(link: &Link, incoming: &mut Incoming, input: &mut Input) -> Result<bool, NoFrame> {
    incoming.step(ImageStep::Intermediate, incoming.received_at, crate::reactor::now());
    let deadline = incoming.deadline.instant();
    let whole = tokio::select! {
        biased;
        whole = read_payload(incoming, input) => whole.map(|()| true),
        () = sleep_until(deadline) => {
            link.hub.borrow().stats.trickled.fetch_add(1, Ordering::Relaxed);
            Ok(false)
        }
    };
    incoming.step(ImageStep::TxRx, incoming.received_at, incoming.newest_at);
    if let Err(reason) = &whole {
        incoming.fail(reason);
    }
    whole
}

/// Has a frame detected that is `whole`; its result, entered in the books.
pub(super) async fn detect(link: &Link, mut incoming: Incoming, whole: bool) -> Result<Answered, NoFrame> {
    let (header, received_at, stamps) = (incoming.header, incoming.received_at, incoming.stamps());
    drop(incoming.receiving);
    let train = link.metrics.arrivals().rate_since(received_at);
    let span = incoming.newest_at.saturating_since(received_at);
    let mut result = FrameResult::refusal(header.seq, Status::Expired);
    if whole && !incoming.deadline.passed_at(crate::reactor::now()) {
        let submitted = crate::reactor::now();
        if let Some(journey) = &mut incoming.journey {
            journey.step(ImageStep::ShmCopy, incoming.newest_at, submitted);
        }
        let outcome = link.hub.borrow_mut().submit(
            link.connection,
            Arc::clone(&link.car),
            header,
            Bytes::from(incoming.payload),
            submitted,
            incoming.deadline,
        );
        let outcome = outcome.await.map_err(|_| NoFrame::Left)?;
        if let Some(journey) = &mut incoming.journey {
            journey.worked(submitted, outcome.dispatched_at);
        }
        result.status = outcome.status;
        result.times = outcome.times;
        result.detections = outcome.detections;
    }
    result.times.receive = span;
    result.train = train;
    result.stamps = stamps;
    link.served(&header, &result, received_at);
    if let Some(journey) = &mut incoming.journey {
        journey.end_with(result.status);
    }
    Ok((header.service, result))
}
