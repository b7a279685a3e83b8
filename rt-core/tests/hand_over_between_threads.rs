//! Capture, encode and send as three threads that sleep and wake one another, each one's heap calls counted over all
//! its frames: waiting, ringing, overtaking, stamping and counting ask the heap for nothing.

#![allow(clippy::expect_used, reason = "a test says out loud what cannot fail")]

use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::mailbox::{Receiver, Sender, mailbox};
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease, WriteLease};
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::{Hop, Stamper, Tracer};
use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

const FRAMES: u64 = 3_000;

/// A frame or payload, when it was handed on, and its bytes.
type Leased = (FrameMeta, Monotonic, ReadLease);

/// A thread's tracing.
struct Traced(Stamper, ThreadCounters);

impl Traced {
    /// Once per frame that the thread is done with.
    fn done(&mut self, hop: Hop, meta: &FrameMeta, since: Monotonic) {
        let now = Monotonic::now();
        self.0.stamp(hop, meta.id(), since, now);
        self.1.tick(now);
        self.1.count(Counter::Items);
    }
}

fn pool(slot_bytes: usize) -> FramePool {
    // One waiting, one being read, one being filled, and one to spare.
    FramePool::new(4, slot_bytes, HugePages::Never, false).expect("a pool")
}

fn share(slot: WriteLease, bytes: usize) -> ReadLease {
    let [lease] = slot.share(bytes).expect("it fits");
    lease
}

fn capture(mut traced: Traced, mut to_encoder: Sender<Leased>, bell: &Doorbell) -> HeapCalls {
    let mut frames = pool(PixelFormat::Rgb8.frame_bytes(64, 48));
    count(|| {
        for seq in 0..FRAMES {
            let capture = Monotonic::now();
            let mut slot = frames.acquire().expect("slots come home");
            slot.as_mut().fill(seq as u8);
            let meta = FrameMeta {
                service: 1,
                seq,
                capture,
                deadline: Deadline::after_capture(capture, Duration::from_millis(200)),
                width: 64,
                height: 48,
                format: PixelFormat::Rgb8,
                scene: seq,
            };
            let lease = share(slot, meta.bytes());
            drop(to_encoder.put((meta, Monotonic::now(), lease)));
            bell.ring();
            traced.done(Hop::Capture, &meta, capture);
            if seq % 8 == 0 {
                // So that the others fall asleep now and then.
                std::thread::sleep(Duration::from_micros(50));
            }
        }
    })
}

fn encode(
    mut traced: Traced,
    mut frames: Receiver<Leased>,
    bell: &Doorbell,
    mut up: Sender<Leased>,
    up_bell: &Doorbell,
) -> HeapCalls {
    let mut payloads = pool(4_096);
    let mut last = None;
    count(|| {
        while last != Some(FRAMES - 1) {
            let seen = bell.count();
            let Some((meta, handed, raw)) = frames.take() else {
                bell.wait_until(seen, Monotonic::now().plus(Duration::from_secs(1)));
                continue;
            };
            assert!(last < Some(meta.seq), "{} after {last:?}", meta.seq);
            last = Some(meta.seq);
            traced.done(Hop::EncodeWait, &meta, handed);
            let mut payload = payloads.acquire().expect("payloads come home");
            for (coded, raw) in payload.as_mut().iter_mut().zip(raw.as_ref().iter().step_by(64)) {
                *coded = *raw;
            }
            drop(raw);
            let lease = share(payload, meta.bytes() / 64);
            drop(up.put((meta, Monotonic::now(), lease)));
            up_bell.ring();
        }
    })
}

fn send(mut traced: Traced, mut payloads: Receiver<Leased>, bell: &Doorbell) -> HeapCalls {
    let event = bell.event().expect("a reactor's bell");
    let mut last = None;
    count(|| {
        while last != Some(FRAMES - 1) {
            bell.clear_event();
            let Some((meta, handed, payload)) = payloads.take() else {
                poll(&mut [PollFd::new(event, PollFlags::POLLIN)], PollTimeout::from(1_000_u16)).expect("poll");
                continue;
            };
            assert!(last < Some(meta.seq), "{} after {last:?}", meta.seq);
            assert!(payload.as_ref().iter().all(|&byte| byte == meta.seq as u8), "the bytes of frame {}", meta.seq);
            last = Some(meta.seq);
            traced.done(Hop::SendWait, &meta, handed);
        }
    })
}

#[test]
fn three_threads_hand_frames_on_without_the_heap() {
    let mut tracer = Tracer::default();
    let names = ["capture", "encoder", "transport"];
    let counters = names.map(ThreadCounters::new);
    let watches = counters.each_ref().map(|(_, watch)| watch.clone());
    let mut traced =
        names.into_iter().zip(counters).map(|(name, (counters, _))| Traced(tracer.stamper(name, 64), counters));
    let mut next = || traced.next().expect("one for each thread");
    let (for_capture, for_encoder, for_sender) = (next(), next(), next());
    let (to_encoder, from_camera) = mailbox();
    let (up, transport) = mailbox();
    let (bell, up_bell) = (Doorbell::futex(), Doorbell::eventfd().expect("an eventfd"));
    let (bell, up_bell) = (&bell, &up_bell);
    std::thread::scope(|scope| {
        let threads = [
            scope.spawn(move || send(for_sender, transport, up_bell)),
            scope.spawn(move || encode(for_encoder, from_camera, bell, up, up_bell)),
            scope.spawn(move || capture(for_capture, to_encoder, bell)),
        ];
        let drained = count(|| {
            while !tracer.is_abandoned() {
                tracer.drain();
            }
            tracer.drain();
        });
        assert_eq!(drained, HeapCalls::NONE, "keeping the books");
        for (thread, name) in threads.into_iter().zip(["transport", "encoder", "capture"]) {
            assert_eq!(thread.join().expect("it ends"), HeapCalls::NONE, "{name}, over {FRAMES} frames");
        }
    });
    let hops = [Hop::Capture, Hop::EncodeWait, Hop::SendWait];
    for ((hop, watch), (_, lost)) in hops.into_iter().zip(&watches).zip(tracer.dropped_by_thread()) {
        let items = watch.snapshot().get(Counter::Items);
        assert_eq!(tracer.histograms().count(hop) + lost, items, "{}", watch.thread());
        assert!(items > 0 && (items == FRAMES || hop != Hop::Capture), "{}: {items} frames", watch.thread());
    }
}
