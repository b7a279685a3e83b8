//! What the driver tells of the frames and results it carries: bytes, and each image's way once it is over.

use rt_core::clock::Monotonic;
use rt_core::trace::images::{DELIVERED, Direction, ImageRecord, ImageStep};

use super::Driver;
use crate::car::flight::{Arrived, Progress, Ticket};
use crate::car::{Outgoing, ReplyStatus};

/// A frame that the driver took from its mailbox, and when.
pub(super) struct Taken<B> {
    pub(super) frame: Outgoing<B>,
    pub(super) at: Monotonic,
}

impl<B: AsRef<[u8]>> Taken<B> {
    pub(super) fn ticket(&self, lane: usize) -> Ticket {
        let frame = &self.frame;
        Ticket {
            lane,
            service: frame.meta.service,
            seq: frame.meta.seq,
            model: frame.model,
            deadline: frame.meta.deadline,
            bytes: u32::try_from(frame.bytes.as_ref().len()).unwrap_or(u32::MAX),
            encoded_at: frame.encoded_at,
            taken_at: self.at,
        }
    }
}

/// When an answer was in its service's ring, and when the service had been rung.
#[derive(Clone, Copy)]
pub(super) struct HandedOver {
    pub(super) pushed_at: Monotonic,
    pub(super) rung_at: Monotonic,
}

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// A frame's way up is over: it was answered with `status` at `at`.
    pub(super) fn frame_ended(&mut self, ticket: &Ticket, came: Progress, status: ReplyStatus, at: Monotonic) {
        let Ticket { service, seq, bytes, encoded_at, taken_at, .. } = *ticket;
        let mut image = ImageRecord::begin(Direction::Outgoing, service, seq, bytes, encoded_at);
        image.step(ImageStep::ShmCopy, encoded_at, taken_at);
        image.step(ImageStep::EnqueueMsg, taken_at, came.started.unwrap_or(at));
        if let Some(started) = came.started {
            let sent = came.sent_at.unwrap_or(at);
            image.step(ImageStep::Intermediate, started, came.payload_at.unwrap_or(sent));
            image.step(ImageStep::TxRx, started, sent);
            if came.sent_at.is_some() {
                image.step(ImageStep::Flush, sent, at);
            }
        }
        image.end(at, status.name());
        self.books.image(image);
    }

    /// A result's way down is over; `handed` where its service got it.
    pub(super) fn result_ended(&mut self, ticket: &Ticket, came: &Arrived, heard: Monotonic, how: Handed) {
        let Arrived { bytes, first_at, last_at, decoded_at, ref result } = *came;
        let mut image = ImageRecord::begin(Direction::Incoming, ticket.service, ticket.seq, bytes, first_at);
        image.step(ImageStep::TxRx, first_at, last_at);
        image.step(ImageStep::Intermediate, last_at, decoded_at);
        image.step(ImageStep::EnqueueMsg, decoded_at, heard);
        let outcome = match how {
            Handed::Over(HandedOver { pushed_at, rung_at }) => {
                image.step(ImageStep::ShmCopy, heard, pushed_at);
                image.step(ImageStep::Flush, pushed_at, rung_at);
                match ReplyStatus::from(result.status) {
                    ReplyStatus::Ok => DELIVERED,
                    other => other.name(),
                }
            }
            Handed::Late => "late",
            Handed::NoRoom => "no_room",
        };
        image.end(crate::reactor::now(), outcome);
        self.books.image(image);
    }
}

/// What became of a result.
#[derive(Clone, Copy)]
pub(super) enum Handed {
    /// Its service has it.
    Over(HandedOver),
    /// Its frame had been answered before.
    Late,
    /// Its service's ring was full.
    NoRoom,
}
