//! One frame's stream: header, payload, outcome, result.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use s2n_quic::stream::{BidirectionalStream, ReceiveStream, SendStream};

use super::ServedFrame;
use super::arrivals::Arrivals;
use super::hub::Hub;
use super::peer::PeerMetrics;
use crate::reactor::sleep_until;
use crate::wire::code;
use crate::wire::frame::{FrameHeader, header_length};
use crate::wire::result::{FrameResult, Stamps, Status};

/// A payload buffer starts no larger than this, whatever the header claims, and grows with what really comes.
const FIRST_ALLOCATION: usize = 256 * 1024;

/// What a frame's task knows of its connection.
pub(super) struct Link {
    pub(super) hub: Rc<RefCell<Hub>>,
    pub(super) connection: u64,
    pub(super) car: Arc<str>,
    pub(super) from: SocketAddr,
    pub(super) metrics: Arc<PeerMetrics>,
    /// The packet trains of all its frames.
    pub(super) arrivals: RefCell<Arrivals>,
}

/// Counts a frame as being received for as long as it lives.
struct Receiving(Rc<Link>);

impl Receiving {
    fn new(link: &Rc<Link>) -> Self {
        link.arrivals.borrow_mut().enter();
        Self(Rc::clone(link))
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.arrivals.borrow_mut().leave();
    }
}

/// A frame whose header has been read.
struct Incoming {
    header: FrameHeader,
    /// Payload bytes so far.
    payload: Vec<u8>,
    receiving: Receiving,
    received_at: Monotonic,
    /// When the newest byte came.
    newest_at: Monotonic,
    deadline: Deadline,
}

impl Incoming {
    /// What is known of the result's stamps so far: all but when it is written.
    fn stamps(&self) -> Stamps {
        Stamps {
            car_sent_ns: self.header.sent_ns,
            header_received_ns: self.received_at.as_ns(),
            last_received_ns: self.newest_at.as_ns(),
            result_sent_ns: 0,
        }
    }
}

/// Bytes set aside for a frame, given back however its task ends.
struct Held<'a> {
    link: &'a Link,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Ok(mut hub) = self.link.hub.try_borrow_mut() {
            hub.release(self.link.connection, self.bytes);
        }
    }
}

/// Serves one stream.
pub(super) async fn serve(link: Rc<Link>, stream: BidirectionalStream) {
    let (mut receive, mut send) = stream.split();
    let time = link.hub.borrow().limits.header_time;
    let incoming = match tokio::time::timeout(time, read_header(&link, &mut receive)).await {
        Ok(Ok(incoming)) => incoming,
        Ok(Err(reason)) => return reject(&link, receive, send, reason),
        Err(_) => return reject(&link, receive, send, Some(format!("no frame header within {} ms", time.as_millis()))),
    };
    let Some(mut result) = answer(&link, incoming, &mut receive).await else { return };
    // What still comes of a frame that was refused early is not wanted.
    let _ = receive.stop_sending(code::DONE.into());
    result.stamps.result_sent_ns = Monotonic::now().as_ns();
    if send.send(Bytes::from(result.encode())).await.is_ok() {
        let _ = send.finish();
    }
}

/// The car broke the protocol on this stream, or gave the frame up before its header was whole (no reason then).
fn reject(link: &Link, mut receive: ReceiveStream, mut send: SendStream, reason: Option<String>) {
    if let Some(reason) = reason {
        link.hub.borrow_mut().refuse(link.from, reason);
    }
    let _ = receive.stop_sending(code::PROTOCOL.into());
    let _ = send.reset(code::PROTOCOL.into());
}

async fn read_header(link: &Rc<Link>, receive: &mut ReceiveStream) -> Result<Incoming, Option<String>> {
    let mut bytes: Vec<u8> = Vec::new();
    let receiving = Receiving::new(link);
    let mut received_at = None;
    loop {
        let chunk = match receive.receive().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Err(Some("a stream ended before its frame header".to_owned())),
            Err(_) => return Err(None),
        };
        let now = Monotonic::now();
        let received_at = *received_at.get_or_insert(now);
        link.arrivals.borrow_mut().push(now, chunk.len());
        bytes.extend_from_slice(&chunk);
        let Some(prefix) = bytes.first_chunk::<2>() else { continue };
        let length = header_length(*prefix).map_err(|error| Some(error.to_string()))?;
        let Some(rest) = bytes.get(length..) else { continue };
        let header = FrameHeader::decode(&bytes).map_err(|error| Some(error.to_string()))?;
        let expected = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        if rest.len() > expected {
            return Err(Some(format!("{} bytes came of a frame of {expected}", rest.len())));
        }
        let mut payload = Vec::with_capacity(expected.min(FIRST_ALLOCATION).max(rest.len()));
        payload.extend_from_slice(rest);
        // Half the round trip was spent by the header on its way, the other half will be by the result.
        let away = header.budget.saturating_sub(link.metrics.min_rtt());
        let deadline = Deadline::at(received_at.plus(away));
        return Ok(Incoming { header, payload, receiving, received_at, newest_at: now, deadline });
    }
}

/// The frame's result, or `None` where the car gave it up or broke the protocol.
async fn answer(link: &Link, incoming: Incoming, receive: &mut ReceiveStream) -> Option<FrameResult> {
    let (header, received_at) = (incoming.header, incoming.received_at);
    let stamps = incoming.stamps();
    let bytes = u64::from(header.payload_bytes);
    let refused = {
        let mut hub = link.hub.borrow_mut();
        if header.payload_bytes > hub.limits.max_frame_bytes || !hub.has_model(header.model) {
            Some(Status::Error)
        } else if incoming.deadline.passed_at(Monotonic::now()) {
            Some(Status::Expired)
        } else if !hub.hold(link.connection, bytes) {
            Some(Status::Overload)
        } else {
            None
        }
    };
    let result = match refused {
        Some(status) => FrameResult { stamps, ..FrameResult::refusal(header.seq, status) },
        None => {
            let _held = Held { link, bytes };
            process(link, incoming, receive).await?
        }
    };
    let budget = header.budget;
    link.hub.borrow_mut().served(ServedFrame {
        car: Arc::clone(&link.car),
        service: header.service,
        seq: header.seq,
        model: header.model,
        status: result.status,
        payload_bytes: header.payload_bytes,
        budget,
        times: result.times,
        train: result.train,
        detections: u8::try_from(result.detections.len()).unwrap_or(u8::MAX),
        received_at,
        answered_at: Monotonic::now(),
    });
    Some(result)
}

/// Reads the payload until the deadline, then has it detected.
async fn process(link: &Link, mut incoming: Incoming, receive: &mut ReceiveStream) -> Option<FrameResult> {
    let header = incoming.header;
    let deadline = incoming.deadline.instant();
    let whole = tokio::select! {
        whole = read_payload(link, &mut incoming, receive) => whole?,
        () = sleep_until(deadline) => false,
    };
    let stamps = incoming.stamps();
    drop(incoming.receiving);
    let train = link.arrivals.borrow().rate_since(incoming.received_at);
    let span = incoming.newest_at.saturating_since(incoming.received_at);
    let mut result = FrameResult::refusal(header.seq, Status::Expired);
    if whole && !incoming.deadline.passed_at(Monotonic::now()) {
        let outcome = link.hub.borrow_mut().submit(
            link.connection,
            Arc::clone(&link.car),
            header,
            Bytes::from(incoming.payload),
            Monotonic::now(),
            incoming.deadline,
        );
        let outcome = outcome.await.ok()?;
        result.status = outcome.status;
        result.times = outcome.times;
        result.detections = outcome.detections;
    }
    result.times.receive = span;
    result.train = train;
    result.stamps = stamps;
    Some(result)
}

/// Whether the whole payload came; `None` where the car gave it up or lied about its length.
async fn read_payload(link: &Link, incoming: &mut Incoming, receive: &mut ReceiveStream) -> Option<bool> {
    let expected = usize::try_from(incoming.header.payload_bytes).unwrap_or(usize::MAX);
    while incoming.payload.len() < expected {
        let chunk = match receive.receive().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                let have = incoming.payload.len();
                let reason = format!("a frame of {expected} bytes ended after {have}");
                link.hub.borrow_mut().refuse(link.from, reason);
                return None;
            }
            Err(_) => return None,
        };
        incoming.newest_at = Monotonic::now();
        link.arrivals.borrow_mut().push(incoming.newest_at, chunk.len());
        if incoming.payload.len().saturating_add(chunk.len()) > expected {
            let have = incoming.payload.len() + chunk.len();
            link.hub.borrow_mut().refuse(link.from, format!("{have} bytes came of a frame of {expected}"));
            return None;
        }
        incoming.payload.extend_from_slice(&chunk);
    }
    Some(true)
}
