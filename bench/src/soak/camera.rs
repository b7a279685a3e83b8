//! One camera's three threads: capture, encode, send, with the pools and the hand-overs of the car.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::{Receiver, Sender, mailbox};
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease};
use rt_core::stop::StopToken;
use rtrb::{Consumer, Producer, RingBuffer};

use super::books::{Received, Sent, Violation, settle};
use super::descriptor::Descriptor;
use super::random::Random;
use super::report::HopReport;
use super::stages::{Faults, check_bytes, next, stall, tick};
use crate::frame::{FRAME_BYTES, marks};

const SLOTS: usize = 4;
const PAYLOAD_BYTES: usize = 60_000;
/// Payloads that wait for the sender; one more is refused and counted.
const RING: usize = 3;
/// Between two frames: faster than a camera, so that an hour sees more.
const PERIOD: Duration = Duration::from_millis(2);
/// A stall once in so many frames: about every four seconds for each reader.
const STALL_ONCE_IN: u64 = 2_000;
/// The sender keeps payloads once in so many, until it has them all.
const HOARD_ONCE_IN: u64 = 1_000;

type Message = (Descriptor, ReadLease);

/// What the three threads share.
pub struct Shared {
    /// Set when capture shall end; the others end after it.
    pub stop: StopToken,
    /// Faults over all cameras.
    pub faults: Arc<Faults>,
}

/// A camera's stages, ready to run, one thread each.
pub struct Camera {
    /// Captures until stopped.
    pub capture: Capture,
    /// Takes the newest frame, makes a payload.
    pub encode: Encode,
    /// Takes every payload.
    pub send: Send,
}

/// How a stage ended: its books and its pool.
pub struct Ended {
    sent: Option<Sent>,
    received: Option<Received>,
    pool: Option<FramePool>,
}

impl Camera {
    /// Camera number `source`.
    ///
    /// # Errors
    /// Where its pools cannot be had.
    pub fn new(source: u64, seed: u64, shared: &Shared) -> Result<Self, Violation> {
        let pool = |bytes| {
            FramePool::new(SLOTS, bytes, HugePages::Prefer, false)
                .map_err(|error| Violation::Part { part: format!("camera {source}"), reason: error.to_string() })
        };
        let (to_encode, from_capture) = mailbox();
        let (to_send, from_encode) = RingBuffer::new(RING);
        let (encode_bell, send_bell) = (Doorbell::futex(), Doorbell::futex());
        let (captured, encoded) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let chance = |stage: u64| Random::new(seed ^ (source << 8) ^ stage);
        Ok(Self {
            capture: Capture {
                source,
                stop: shared.stop.clone(),
                faults: Arc::clone(&shared.faults),
                pool: pool(FRAME_BYTES)?,
                out: to_encode,
                other: encode_bell.clone(),
                ended: Ended::mark(&captured),
            },
            encode: Encode {
                hop: format!("camera {source}: capture -> encode"),
                faults: Arc::clone(&shared.faults),
                random: chance(1),
                before: captured,
                bell: encode_bell,
                inbox: from_capture,
                pool: pool(PAYLOAD_BYTES)?,
                out: to_send,
                other: send_bell.clone(),
                ended: Ended::mark(&encoded),
            },
            send: Send {
                hop: format!("camera {source}: encode -> send"),
                faults: Arc::clone(&shared.faults),
                random: chance(2),
                before: encoded,
                bell: send_bell,
                inbox: from_encode,
            },
        })
    }
}

/// Raised when a stage ends, however it ends, so that the one behind it does.
pub struct Mark(Arc<AtomicBool>);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Ended {
    fn mark(flag: &Arc<AtomicBool>) -> Mark {
        Mark(Arc::clone(flag))
    }
}

/// The first stage.
pub struct Capture {
    source: u64,
    stop: StopToken,
    faults: Arc<Faults>,
    pool: FramePool,
    out: Sender<Message>,
    other: Doorbell,
    ended: Mark,
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

/// The second stage.
pub struct Encode {
    hop: String,
    faults: Arc<Faults>,
    random: Random,
    before: Arc<AtomicBool>,
    bell: Doorbell,
    inbox: Receiver<Message>,
    pool: FramePool,
    out: Producer<Message>,
    other: Doorbell,
    ended: Mark,
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

/// The last stage.
pub struct Send {
    hop: String,
    faults: Arc<Faults>,
    random: Random,
    before: Arc<AtomicBool>,
    bell: Doorbell,
    inbox: Consumer<Message>,
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

/// Settles a camera's books, in the order capture, encode, send, and counts its slots.
///
/// # Errors
/// The first [`Violation`].
pub fn close(capture: Ended, encode: Ended, send: Ended) -> Result<Vec<HopReport>, Violation> {
    let mut hops = Vec::new();
    for (sent, received) in [(&capture.sent, &encode.received), (&encode.sent, &send.received)] {
        if let (Some(sent), Some(received)) = (sent, received) {
            settle(sent, received)?;
            hops.push(HopReport::new(sent, received));
        }
    }
    for (name, ended) in [("frames", capture), ("payloads", encode)] {
        if let Some(mut pool) = ended.pool {
            let home = pool.free_slots();
            if home != SLOTS {
                return Err(Violation::Away { pool: name.to_owned(), home, slots: SLOTS });
            }
        }
    }
    Ok(hops)
}
