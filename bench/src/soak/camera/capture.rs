//! Capture: fills slots and never waits.

use std::sync::Arc;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::Sender;
use rt_core::memory::pool::FramePool;
use rt_core::stop::StopToken;

use super::{Ended, Mark, Message, PERIOD};
use crate::frame::{FRAME_BYTES, marks};
use crate::soak::books::{Sent, Violation};
use crate::soak::descriptor::Descriptor;
use crate::soak::stages::{Faults, tick};

/// The first stage.
pub struct Capture {
    pub(super) source: u64,
    pub(super) stop: StopToken,
    pub(super) faults: Arc<Faults>,
    pub(super) pool: FramePool,
    pub(super) out: Sender<Message>,
    pub(super) other: Doorbell,
    pub(super) ended: Mark,
}

impl Capture {
    /// Captures until stopped.
    ///
    /// # Errors
    /// None of its own: what it does wrong is found behind it.
    pub fn run(mut self) -> Result<Ended, Violation> {
        let mut book = Sent::default();
        let mut seq = 0;
        while !self.stop.is_set() {
            std::thread::sleep(PERIOD);
            match self.pool.acquire() {
                // A camera does not wait: the frame is not there.
                None => tick(&self.faults.dry),
                Some(mut slot) => {
                    marks::mark(slot.as_mut(), seq);
                    let address = slot.as_mut().as_ptr() as u64;
                    let descriptor = Descriptor::new(seq, address, Monotonic::now(), self.source);
                    let Ok([lease]) = slot.share(FRAME_BYTES) else { break };
                    book.sent.enter(seq);
                    if let Some((overtaken, _)) = self.out.put((descriptor, lease)) {
                        book.lost.enter(overtaken.seq);
                    }
                    self.other.ring();
                    seq += 1;
                }
            }
        }
        drop(self.ended);
        self.other.ring();
        Ok(Ended { sent: Some(book), received: None, pool: Some(self.pool) })
    }
}
