//! An image's way through the gateway, told however its task ends: also where the task is dropped with its connection.

use std::cell::RefCell;
use std::rc::Rc;

use rt_core::clock::Monotonic;
use rt_core::trace::images::{DELIVERED, Direction, ImageRecord, ImageStep};

use super::hub::Hub;
use crate::wire::result::Status;

/// What becomes of an image whose task is dropped.
const DROPPED: &str = "link_down";

/// One image; its record is told when this is dropped, once.
pub(super) struct Journey {
    hub: Rc<RefCell<Hub>>,
    image: ImageRecord,
    ended: Option<(Monotonic, &'static str)>,
}

impl Journey {
    pub(super) fn begin(
        hub: &Rc<RefCell<Hub>>,
        direction: Direction,
        (service, seq): (u16, u64),
        bytes: u32,
        at: Monotonic,
    ) -> Self {
        Self { hub: Rc::clone(hub), image: ImageRecord::begin(direction, service, seq, bytes, at), ended: None }
    }

    pub(super) fn step(&mut self, step: ImageStep, begin: Monotonic, end: Monotonic) {
        self.image.step(step, begin, end);
    }

    /// It waited for a worker from `submitted` on; one that got it has answered by now.
    pub(super) fn worked(&mut self, submitted: Monotonic, dispatched: Option<Monotonic>) {
        let now = crate::reactor::now();
        self.step(ImageStep::EnqueueMsg, submitted, dispatched.unwrap_or(now));
        if let Some(dispatched) = dispatched {
            self.step(ImageStep::Flush, dispatched, now);
        }
    }

    /// It ended now.
    pub(super) fn end(&mut self, outcome: &'static str) {
        self.ended = Some((crate::reactor::now(), outcome));
    }

    /// It ended now, with this status.
    pub(super) fn end_with(&mut self, status: Status) {
        self.end(match status {
            Status::Ok => DELIVERED,
            Status::Expired => "expired",
            Status::Superseded => "superseded",
            Status::Overload => "overload",
            Status::Error => "error",
        });
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        let (at, outcome) = self.ended.unwrap_or_else(|| (crate::reactor::now(), DROPPED));
        self.image.end(at, outcome);
        // Nobody holds the hub across the end of a task.
        if let Ok(mut hub) = self.hub.try_borrow_mut() {
            hub.books.image(self.image);
        }
    }
}

/// A result on its way to the car.
pub(super) struct Answering(Journey);

impl Answering {
    /// The result was known at `known`, and has become `bytes` bytes now.
    pub(super) fn encoded(hub: &Rc<RefCell<Hub>>, frame: (u16, u64), bytes: usize, known: Monotonic) -> Self {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let mut journey = Journey::begin(hub, Direction::Outgoing, frame, bytes, known);
        journey.step(ImageStep::Intermediate, known, crate::reactor::now());
        Self(journey)
    }

    /// Its stream was asked for at `asked`, and is open now.
    pub(super) fn opened(&mut self, encoded: Monotonic, asked: Monotonic) {
        self.0.step(ImageStep::ShmCopy, encoded, asked);
        self.0.step(ImageStep::EnqueueMsg, asked, crate::reactor::now());
    }

    /// QUIC took it from `begun` until `written`, and its end by now.
    pub(super) fn sent(mut self, begun: Monotonic, written: Monotonic) {
        self.0.step(ImageStep::TxRx, begun, written);
        self.0.step(ImageStep::Flush, written, crate::reactor::now());
        let (service, bytes) = (self.0.image.service, u64::from(self.0.image.bytes));
        if let Ok(mut hub) = self.0.hub.try_borrow_mut() {
            hub.books.traffic.sent(service, bytes);
        }
        self.0.end(DELIVERED);
    }
}
