//! Send: takes every payload, and is the one that keeps too many.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rt_core::doorbell::Doorbell;
use rtrb::Consumer;

use super::{Ended, HOARD_ONCE_IN, Message, PAYLOAD_BYTES, SLOTS, STALL_ONCE_IN};
use crate::soak::books::{Received, Violation};
use crate::soak::random::Random;
use crate::soak::stages::{Faults, check_bytes, next, stall, tick};

/// The last stage.
pub struct Send {
    pub(super) hop: String,
    pub(super) faults: Arc<Faults>,
    pub(super) random: Random,
    pub(super) before: Arc<AtomicBool>,
    pub(super) bell: Doorbell,
    pub(super) inbox: Consumer<Message>,
}

impl Send {
    /// Takes every payload; now and then keeps them all, until the pool is dry.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn run(mut self) -> Result<Ended, Violation> {
        let mut received = Received::new(&self.hop);
        let mut kept: VecDeque<Message> = VecDeque::with_capacity(SLOTS);
        let mut hoarding = false;
        while let Some(message) = next(&self.bell, &self.before, || self.inbox.pop().ok()) {
            let (descriptor, payload) = &message;
            received.enter(descriptor)?;
            check_bytes(&self.hop, payload.as_ref(), PAYLOAD_BYTES, descriptor.seq, descriptor.address)?;
            stall(&mut self.random, STALL_ONCE_IN, &self.faults);
            if self.random.once_in(HOARD_ONCE_IN) {
                hoarding = true;
                tick(&self.faults.hoards);
            }
            if !hoarding {
                continue;
            }
            kept.push_back(message);
            if kept.len() == SLOTS {
                // Long enough for the encoder to find the pool dry.
                std::thread::sleep(Duration::from_millis(20));
                for (descriptor, payload) in kept.drain(..) {
                    check_bytes(&self.hop, payload.as_ref(), PAYLOAD_BYTES, descriptor.seq, descriptor.address)?;
                }
                hoarding = false;
            }
        }
        Ok(Ended { sent: None, received: Some(received), pool: None })
    }
}
