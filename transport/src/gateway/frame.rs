//! One frame's stream: header, payload, outcome, result.

mod link;
mod receive;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use s2n_quic::stream::{BidirectionalStream, ReceiveStream};

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
        Ok(mut result) => {
            // What still comes of a frame that was refused early is not wanted.
            let _ = receive.stop_sending(code::DONE.into());
            result.stamps.result_sent_ns = crate::reactor::now().as_ns();
            if send.send(Bytes::from(result.encode())).await.is_ok() {
                let _ = send.finish();
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

async fn result(link: &Rc<Link>, receive: &mut ReceiveStream) -> Result<FrameResult, NoFrame> {
    let time = link.hub.borrow().limits.header_time;
    let Some(incoming) = within(time, read_header(link, receive)).await else {
        let reason = format!("no frame header within {} ms", time.as_millis());
        return Err(NoFrame::Offence(Offence::HeaderTime, reason));
    };
    answer(link, incoming?, receive).await
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
async fn answer(link: &Link, incoming: Incoming, receive: &mut ReceiveStream) -> Result<FrameResult, NoFrame> {
    let (header, received_at) = (incoming.header, incoming.received_at);
    let stamps = incoming.stamps();
    let result = match admit(link, &incoming) {
        Some(status) => FrameResult { stamps, ..FrameResult::refusal(header.seq, status) },
        None => {
            let _held = Held { link, bytes: u64::from(header.payload_bytes) };
            process(link, incoming, receive).await?
        }
    };
    link.served(&header, &result, received_at);
    Ok(result)
}

/// Reads the payload until the deadline, then has it detected.
async fn process(link: &Link, mut incoming: Incoming, receive: &mut ReceiveStream) -> Result<FrameResult, NoFrame> {
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
    drop(incoming.receiving);
    let train = link.metrics.arrivals().rate_since(incoming.received_at);
    let span = incoming.newest_at.saturating_since(incoming.received_at);
    let mut result = FrameResult::refusal(header.seq, Status::Expired);
    if whole && !incoming.deadline.passed_at(crate::reactor::now()) {
        let outcome = link.hub.borrow_mut().submit(
            link.connection,
            Arc::clone(&link.car),
            header,
            Bytes::from(incoming.payload),
            crate::reactor::now(),
            incoming.deadline,
        );
        let outcome = outcome.await.map_err(|_| NoFrame::Left)?;
        result.status = outcome.status;
        result.times = outcome.times;
        result.detections = outcome.detections;
    }
    result.times.receive = span;
    result.train = train;
    result.stamps = stamps;
    Ok(result)
}
