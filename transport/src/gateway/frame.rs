//! One frame's stream: header, payload, outcome, result.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use s2n_quic::connection::Handle;
use s2n_quic::stream::{BidirectionalStream, ReceiveStream, SendStream};

use super::hub::Hub;
use super::offence::{GatewayStats, Offence, Record};
use super::peer::PeerMetrics;
use super::sequence::Services;
use super::{GatewayEvent, ServedFrame};
use crate::reactor::sleep_until;
use crate::wire::frame::{FrameHeader, header_length};
use crate::wire::result::{FrameResult, Stamps, Status};
use crate::wire::{WireError, code};

/// A payload buffer starts no larger than this, whatever the header claims, and grows with what really comes: a header
/// costs its sender 42 bytes and must not cost the gateway many more.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// What a frame's task knows of its connection.
pub(super) struct Link {
    pub(super) hub: Rc<RefCell<Hub>>,
    pub(super) connection: u64,
    pub(super) car: Arc<str>,
    pub(super) from: SocketAddr,
    pub(super) metrics: Arc<PeerMetrics>,
    pub(super) handle: Handle,
    pub(super) services: RefCell<Services>,
    pub(super) record: RefCell<Record>,
}

impl Link {
    /// The car did what it must not: it is counted, logged within bounds, and ends a connection that does little else.
    pub(super) fn offend(&self, offence: Offence, reason: String) {
        let mut hub = self.hub.borrow_mut();
        hub.stats.count(offence);
        let mut record = self.record.borrow_mut();
        let line = record.note(offence, reason, crate::reactor::now());
        if let Some(reason) = line {
            hub.log(GatewayEvent::Refused { from: self.from, reason });
        }
        if offence.breaks_the_protocol() && record.violations() == hub.limits.max_violations {
            let reason = format!("{} broke the protocol {} times and is cut off", self.car, record.violations());
            hub.log(GatewayEvent::Refused { from: self.from, reason });
            self.handle.close(code::PROTOCOL.into());
        }
    }
}

/// Counts a stream as being served for as long as it lives.
struct Serving(Arc<GatewayStats>);

impl Serving {
    fn new(stats: &Arc<GatewayStats>) -> Self {
        stats.frames.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(stats))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.frames.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a frame as being received for as long as it lives.
struct Receiving {
    link: Rc<Link>,
    missing_bytes: u64,
}

impl Receiving {
    fn new(link: &Rc<Link>, bytes: u64) -> Self {
        link.metrics.arrivals().enter(bytes);
        Self { link: Rc::clone(link), missing_bytes: bytes }
    }

    fn came(&mut self, bytes: usize) {
        self.missing_bytes = self.missing_bytes.saturating_sub(bytes as u64);
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.link.metrics.arrivals().leave(self.missing_bytes);
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

/// Why a frame's header did not come.
enum NoHeader {
    /// The car gave the frame up, or is gone.
    GivenUp,
    Offence(Offence, String),
}

impl From<WireError> for NoHeader {
    fn from(error: WireError) -> Self {
        Self::Offence(Offence::Header, error.to_string())
    }
}

/// Serves one stream.
pub(super) async fn serve(link: Rc<Link>, stream: BidirectionalStream) {
    let _serving = Serving::new(&link.hub.borrow().stats);
    let (mut receive, mut send) = stream.split();
    let time = link.hub.borrow().limits.header_time;
    let incoming = match crate::reactor::within(time, read_header(&link, &mut receive)).await {
        Some(Ok(incoming)) => incoming,
        Some(Err(NoHeader::GivenUp)) => {
            link.hub.borrow().stats.resets.fetch_add(1, Ordering::Relaxed);
            return abandon(receive, send);
        }
        Some(Err(NoHeader::Offence(offence, reason))) => {
            link.offend(offence, reason);
            return abandon(receive, send);
        }
        None => {
            link.offend(Offence::HeaderTime, format!("no frame header within {} ms", time.as_millis()));
            return abandon(receive, send);
        }
    };
    let Some(mut result) = answer(&link, incoming, &mut receive).await else { return abandon(receive, send) };
    // What still comes of a frame that was refused early is not wanted.
    let _ = receive.stop_sending(code::DONE.into());
    result.stamps.result_sent_ns = crate::reactor::now().as_ns();
    if send.send(Bytes::from(result.encode())).await.is_ok() {
        let _ = send.finish();
    }
}

/// Ends a stream that gets no result.
fn abandon(mut receive: ReceiveStream, mut send: SendStream) {
    let _ = receive.stop_sending(code::PROTOCOL.into());
    crate::wire::stream::abandon(&mut send, code::PROTOCOL);
}

async fn read_header(link: &Rc<Link>, receive: &mut ReceiveStream) -> Result<Incoming, NoHeader> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut received_at = None;
    loop {
        let chunk = match receive.receive().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                let reason = "a stream ended before its frame header".to_owned();
                return Err(NoHeader::Offence(Offence::Length, reason));
            }
            Err(_) => return Err(NoHeader::GivenUp),
        };
        let now = crate::reactor::now();
        let received_at = *received_at.get_or_insert(now);
        bytes.extend_from_slice(&chunk);
        let Some(prefix) = bytes.first_chunk::<2>() else { continue };
        let Some(rest) = bytes.get(header_length(*prefix)?..) else { continue };
        let header = FrameHeader::decode(&bytes)?;
        let expected = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        if rest.len() > expected {
            return Err(NoHeader::Offence(Offence::Length, too_long(rest.len(), expected)));
        }
        let mut payload = Vec::with_capacity(expected.min(FIRST_ALLOCATION).max(rest.len()));
        payload.extend_from_slice(rest);
        // Half the round trip was spent by the header on its way, the other half will be by the result.
        let away = header.budget.saturating_sub(link.metrics.min_rtt());
        let deadline = Deadline::at(received_at.plus(away));
        let mut receiving = Receiving::new(link, u64::from(header.payload_bytes));
        receiving.came(payload.len());
        return Ok(Incoming { header, payload, receiving, received_at, newest_at: now, deadline });
    }
}

fn too_long(have: usize, expected: usize) -> String {
    format!("{have} bytes came of a frame of {expected}")
}

/// What speaks against a frame whose header is well formed.
fn objection(link: &Link, header: &FrameHeader) -> Option<(Status, Offence, String)> {
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
    if !link.hub.borrow_mut().hold(link.connection, u64::from(header.payload_bytes)) {
        let reason = format!("{} would hold more than its share with {} bytes more", link.car, header.payload_bytes);
        link.offend(Offence::CarBytes, reason);
        return Some(Status::Overload);
    }
    None
}

/// The frame's result, or `None` where the car gave it up or broke the protocol.
async fn answer(link: &Link, incoming: Incoming, receive: &mut ReceiveStream) -> Option<FrameResult> {
    let (header, received_at) = (incoming.header, incoming.received_at);
    let stamps = incoming.stamps();
    let result = match admit(link, &incoming) {
        Some(status) => FrameResult { stamps, ..FrameResult::refusal(header.seq, status) },
        None => {
            let _held = Held { link, bytes: u64::from(header.payload_bytes) };
            process(link, incoming, receive).await?
        }
    };
    link.hub.borrow_mut().served(ServedFrame {
        car: Arc::clone(&link.car),
        service: header.service,
        seq: header.seq,
        model: header.model,
        status: result.status,
        payload_bytes: header.payload_bytes,
        budget: header.budget,
        times: result.times,
        train: result.train,
        detections: u8::try_from(result.detections.len()).unwrap_or(u8::MAX),
        received_at,
        answered_at: crate::reactor::now(),
    });
    Some(result)
}

/// Reads the payload until the deadline, then has it detected.
async fn process(link: &Link, mut incoming: Incoming, receive: &mut ReceiveStream) -> Option<FrameResult> {
    let header = incoming.header;
    let deadline = incoming.deadline.instant();
    let whole = tokio::select! {
        biased;
        whole = read_payload(link, &mut incoming, receive) => whole?,
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
        let have = incoming.payload.len();
        let chunk = match receive.receive().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                link.offend(Offence::Length, format!("a frame of {expected} bytes ended after {have}"));
                return None;
            }
            Err(_) => {
                link.hub.borrow().stats.resets.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        };
        incoming.newest_at = crate::reactor::now();
        let come = have.saturating_add(chunk.len());
        if come > expected {
            link.offend(Offence::Length, too_long(come, expected));
            return None;
        }
        if come > incoming.payload.capacity() {
            // Doubled, but never beyond the frame's end.
            incoming.payload.reserve_exact(come.saturating_mul(2).min(expected).saturating_sub(have));
        }
        incoming.payload.extend_from_slice(&chunk);
        incoming.receiving.came(chunk.len());
    }
    Some(true)
}
