//! What the frames of a connection share, and what each of them holds while it is served.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rt_core::clock::Monotonic;
use s2n_quic::connection::Handle;

use crate::gateway::hub::Hub;
use crate::gateway::offence::{Offence, Record};
use crate::gateway::peer::PeerMetrics;
use crate::gateway::sequence::Services;
use crate::gateway::stats::GatewayStats;
use crate::gateway::{GatewayEvent, ServedFrame};
use crate::wire::code;
use crate::wire::frame::FrameHeader;
use crate::wire::result::FrameResult;

/// What a frame's task knows of its connection.
pub(in crate::gateway) struct Link {
    pub(in crate::gateway) hub: Rc<RefCell<Hub>>,
    pub(in crate::gateway) connection: u64,
    pub(in crate::gateway) car: Arc<str>,
    pub(in crate::gateway) from: SocketAddr,
    pub(in crate::gateway) metrics: Arc<PeerMetrics>,
    pub(in crate::gateway) handle: Handle,
    pub(in crate::gateway) services: RefCell<Services>,
    pub(in crate::gateway) record: RefCell<Record>,
    /// Streams that are being served on which several frames come.
    pub(in crate::gateway) long_streams: Cell<usize>,
}

impl Link {
    /// Enters a frame and its result in the books, whatever carried it.
    pub(in crate::gateway) fn served(&self, header: &FrameHeader, result: &FrameResult, received_at: Monotonic) {
        self.hub.borrow_mut().served(ServedFrame {
            car: Arc::clone(&self.car),
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
    }

    /// So many bytes of a service's frames came.
    pub(in crate::gateway) fn received(&self, service: u16, bytes: usize) {
        self.hub.borrow_mut().books.traffic.received(service, bytes as u64);
    }

    /// The car did what it must not: it is counted, logged within bounds, and ends a connection that does little else.
    pub(in crate::gateway) fn offend(&self, offence: Offence, reason: String) {
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
pub(super) struct Serving(Arc<GatewayStats>);

impl Serving {
    pub(in crate::gateway) fn new(stats: &Arc<GatewayStats>) -> Self {
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
pub(in crate::gateway) struct Receiving {
    link: Rc<Link>,
    service: u16,
    missing_bytes: u64,
}

impl Receiving {
    /// A frame of `service` whose `bytes` have yet to come.
    pub(in crate::gateway) fn new(link: &Rc<Link>, service: u16, bytes: u64) -> Self {
        link.metrics.arrivals().enter(bytes);
        Self { link: Rc::clone(link), service, missing_bytes: bytes }
    }

    /// So many of them came.
    pub(in crate::gateway) fn came(&mut self, bytes: usize) {
        self.missing_bytes = self.missing_bytes.saturating_sub(bytes as u64);
        self.link.received(self.service, bytes);
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.link.metrics.arrivals().leave(self.missing_bytes);
    }
}

/// Bytes set aside for a frame, given back however its task ends.
pub(in crate::gateway) struct Held {
    pub(in crate::gateway) link: Rc<Link>,
    pub(in crate::gateway) bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Ok(mut hub) = self.link.hub.try_borrow_mut() {
            hub.release(self.link.connection, self.bytes);
        }
    }
}
