//! One camera's three threads: capture, encode, send, with the pools and the hand-overs of the car.

mod capture;
mod encode;
mod send;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_core::doorbell::Doorbell;
use rt_core::mailbox::mailbox;
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease};
use rt_core::stop::StopToken;
use rtrb::RingBuffer;

use super::books::{Received, Sent, Violation, settle};
use super::descriptor::Descriptor;
use super::random::Random;
use super::report::HopReport;
use super::stages::Faults;
use crate::frame::FRAME_BYTES;
use capture::Capture;
use encode::Encode;
use send::Send;

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
