//! Encode: takes the newest frame, makes a payload of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::Receiver;
use rt_core::memory::pool::FramePool;
use rtrb::Producer;

use super::{Ended, Mark, Message, PAYLOAD_BYTES, STALL_ONCE_IN};
use crate::frame::{FRAME_BYTES, marks};
use crate::soak::books::{Received, Sent, Violation};
use crate::soak::descriptor::Descriptor;
use crate::soak::random::Random;
use crate::soak::stages::{Faults, check_bytes, next, stall, tick};

/// The second stage.
pub struct Encode {
    pub(super) hop: String,
    pub(super) faults: Arc<Faults>,
    pub(super) random: Random,
    pub(super) before: Arc<AtomicBool>,
    pub(super) bell: Doorbell,
    pub(super) inbox: Receiver<Message>,
    pub(super) pool: FramePool,
    pub(super) out: Producer<Message>,
    pub(super) other: Doorbell,
    pub(super) ended: Mark,
}

impl Encode {
    /// Takes the newest frame, looks at it before and after its work, and makes a payload.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn run(mut self) -> Result<Ended, Violation> {
        let mut sent = Sent::default();
        let mut received = Received::new(&self.hop);
        let mut seq = 0;
        while let Some((descriptor, raw)) = next(&self.bell, &self.before, || self.inbox.take()) {
            received.enter(&descriptor)?;
            check_bytes(&self.hop, raw.as_ref(), FRAME_BYTES, descriptor.seq, descriptor.address)?;
            stall(&mut self.random, STALL_ONCE_IN, &self.faults);
            // Nobody may have filled the slot again in the meantime.
            check_bytes(&self.hop, raw.as_ref(), FRAME_BYTES, descriptor.seq, descriptor.address)?;
            drop(raw);
            let Some(mut payload) = self.pool.acquire() else {
                tick(&self.faults.dry);
                continue;
            };
            marks::mark(payload.as_mut(), seq);
            let address = payload.as_mut().as_ptr() as u64;
            let onward = Descriptor::new(seq, address, Monotonic::from_ns(descriptor.capture_ns), descriptor.source);
            let Ok([lease]) = payload.share(PAYLOAD_BYTES) else { break };
            sent.sent.enter(seq);
            if self.out.push((onward, lease)).is_err() {
                sent.lost.enter(seq);
            }
            self.other.ring();
            seq += 1;
        }
        drop(self.ended);
        self.other.ring();
        Ok(Ended { sent: Some(sent), received: Some(received), pool: Some(self.pool) })
    }
}
