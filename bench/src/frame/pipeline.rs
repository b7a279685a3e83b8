//! The hand-overs capture → encode → send as the car makes them, three threads long, with everything counted that they
//! must not do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::mailbox::{Receiver, Sender, mailbox};
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease};
use serde::{Deserialize, Serialize};
use testkit::heap::HeapCalls;

use super::{FRAME_BYTES, marks};
use crate::error::{BenchError, Result};
use crate::hop::{Wait, Waiter};

/// Slots of each pool, as the car has them for each camera.
const SLOTS: usize = 4;
/// Bytes that the stand-in for the encoder makes of a frame.
const PAYLOAD_BYTES: usize = 60_000;
/// Frames before those that are counted: every thread has run, slept and woken by then.
const WARM_UP: u64 = 20;
/// Between two frames at the slow pace: far longer than any reader stays awake.
const PERIOD: Duration = Duration::from_millis(3);
const SLO: Duration = Duration::from_millis(200);

/// How frames follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Pace {
    /// As from a camera: every reader sleeps between two frames.
    Camera,
    /// Each as soon as the one before it has arrived: a reader sleeps only where that takes longer than it spins.
    BackToBack,
}

/// What went through, and what it took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct HandOvers {
    /// Frames that were captured and sent.
    pub frames: u64,
    /// Heap calls of all three threads during these frames.
    pub heap_calls: u64,
    /// Frames whose bytes the encoder read at the very address that capture wrote them to.
    pub raw_in_place: u64,
    /// Payloads whose bytes the sender read at the very address that the encoder wrote them to.
    pub payload_in_place: u64,
    /// Whether heap calls were counted at all.
    pub heap_counted: bool,
}

/// What crosses from thread to thread. `scene` bears the address that the bytes were written to.
type Message = (FrameMeta, ReadLease);

/// Hands `frames` frames over, after some to warm up.
///
/// # Errors
/// A pool that cannot be had, or a frame that does not come through.
pub fn run(frames: u64, pace: Pace) -> Result<HandOvers> {
    let pool = |bytes| FramePool::new(SLOTS, bytes, HugePages::Prefer, false).map_err(BenchError::library("a pool"));
    let (to_encoder, from_capture) = mailbox::<Message>();
    let (to_sender, from_encoder) = mailbox::<Message>();
    let bells: [Doorbell; 3] = std::array::from_fn(|_| Doorbell::futex());
    let waiter = |bell: &Doorbell| Waiter { wait: Wait::SpinThenFutex, bell: bell.clone() };
    let [at_capture, at_encoder, at_sender] = &bells;
    let sent = AtomicU64::new(0);
    let mut capture = Capture { pool: pool(FRAME_BYTES)?, out: to_encoder, other: at_encoder.clone() };
    let mut encoder = Encoder {
        waiter: waiter(at_encoder),
        inbox: from_capture,
        pool: pool(PAYLOAD_BYTES)?,
        out: to_sender,
        other: at_sender.clone(),
    };
    let mut sender = Sending { waiter: waiter(at_sender), inbox: from_encoder, sent: &sent, other: at_capture.clone() };
    let back = waiter(at_capture);
    let all = WARM_UP + frames;
    std::thread::scope(|scope| {
        let encoding = scope.spawn(move || counted(all, |_| encoder.one()));
        let sending = scope.spawn(move || counted(all, |_| sender.one()));
        let capturing = counted(all, |seq| {
            if pace == Pace::Camera {
                std::thread::sleep(PERIOD);
            }
            // Long since true after a camera's period, unless the machine had other things to do.
            back.receive(|| (sent.load(Ordering::Acquire) >= seq).then_some(()))?;
            capture.one(seq)
        });
        let joined = [encoding, sending].map(|thread| {
            thread.join().unwrap_or_else(|_| Err(BenchError::Closed("a thread of the hand-over panicked".into())))
        });
        let [encoded, sent] = joined;
        let (captured, encoded, sent) = (capturing?, encoded?, sent?);
        Ok(HandOvers {
            frames,
            heap_counted: heap_is_counted(),
            heap_calls: captured.heap_calls + encoded.heap_calls + sent.heap_calls,
            raw_in_place: encoded.in_place,
            payload_in_place: sent.in_place,
        })
    })
}

/// Whether this program's heap counts at all.
fn heap_is_counted() -> bool {
    let before = HeapCalls::of_this_thread();
    drop(std::hint::black_box(Box::new(0_u8)));
    HeapCalls::of_this_thread() != before
}

#[derive(Default)]
struct Counts {
    heap_calls: u64,
    in_place: u64,
}

/// Does `one` for each of `all` frames; what the first ones took is not counted. `one` says whether it found the bytes
/// where they had been written.
fn counted(all: u64, mut one: impl FnMut(u64) -> Result<bool>) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut before = HeapCalls::NONE;
    for seq in 0..all {
        if seq == WARM_UP {
            before = HeapCalls::of_this_thread();
        }
        let in_place = one(seq)?;
        counts.in_place += u64::from(in_place && seq >= WARM_UP);
    }
    let calls = HeapCalls::of_this_thread() - before;
    counts.heap_calls = calls.allocations() + calls.deallocs;
    Ok(counts)
}

struct Capture {
    pool: FramePool,
    out: Sender<Message>,
    other: Doorbell,
}

impl Capture {
    fn one(&mut self, seq: u64) -> Result<bool> {
        let mut slot = self.pool.acquire().ok_or_else(|| BenchError::Closed("no slot has come home".into()))?;
        marks::mark(slot.as_mut(), seq);
        let capture = Monotonic::now();
        let meta = FrameMeta {
            service: 1,
            seq,
            capture,
            deadline: Deadline::after_capture(capture, SLO),
            width: 1920,
            height: 1080,
            format: PixelFormat::Rgb8,
            scene: address(slot.as_mut()),
        };
        let [lease] = slot.share(meta.bytes())?;
        hand(&mut self.out, (meta, lease), &self.other)?;
        Ok(true)
    }
}

struct Encoder {
    waiter: Waiter,
    inbox: Receiver<Message>,
    pool: FramePool,
    out: Sender<Message>,
    other: Doorbell,
}

impl Encoder {
    /// In the place of an encoder: looks at the frame and fills a payload.
    fn one(&mut self) -> Result<bool> {
        let (meta, raw) = self.waiter.receive(|| self.inbox.take())?;
        let in_place = address(raw.as_ref()) == meta.scene && marks::read(raw.as_ref(), FRAME_BYTES)? == meta.seq;
        drop(raw);
        let mut payload = self.pool.acquire().ok_or_else(|| BenchError::Closed("no payload has come home".into()))?;
        marks::mark(payload.as_mut(), meta.seq);
        let scene = address(payload.as_mut());
        let [lease] = payload.share(PAYLOAD_BYTES)?;
        hand(&mut self.out, (FrameMeta { scene, ..meta }, lease), &self.other)?;
        Ok(in_place)
    }
}

struct Sending<'a> {
    waiter: Waiter,
    inbox: Receiver<Message>,
    sent: &'a AtomicU64,
    other: Doorbell,
}

impl Sending<'_> {
    /// In the place of the transport: looks at the payload and lets it go.
    fn one(&mut self) -> Result<bool> {
        let (meta, payload) = self.waiter.receive(|| self.inbox.take())?;
        let in_place =
            address(payload.as_ref()) == meta.scene && marks::read(payload.as_ref(), PAYLOAD_BYTES)? == meta.seq;
        drop(payload);
        self.sent.store(meta.seq + 1, Ordering::Release);
        self.other.ring();
        Ok(in_place)
    }
}

fn hand(out: &mut Sender<Message>, message: Message, other: &Doorbell) -> Result<()> {
    if out.put(message).is_some() {
        return Err(BenchError::Closed("a frame was overtaken though the one before it had arrived".into()));
    }
    other.ring();
    Ok(())
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_and_payload_is_read_where_it_was_written() {
        let hand_overs = run(50, Pace::BackToBack).expect("all came through");
        assert_eq!((hand_overs.frames, hand_overs.raw_in_place, hand_overs.payload_in_place), (50, 50, 50));
        assert!(!hand_overs.heap_counted, "this test program counts no heap calls, and says so");
    }
}
