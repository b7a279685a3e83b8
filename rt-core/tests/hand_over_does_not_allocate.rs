//! The hand-overs capture → encode and encode → send, as the car makes them, counted: no heap call after start-up.

use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::mailbox::mailbox;
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease};
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::{Hop, HopTimes, Tracer};
use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

#[test]
fn frames_go_from_slot_to_slot_without_the_heap() {
    let mut frames = FramePool::new(4, 3 * 64 * 48, HugePages::Never, false).expect("a frame pool");
    let mut payloads = FramePool::new(4, 4096, HugePages::Never, false).expect("a payload pool");
    let (mut to_encoder, mut from_camera) = mailbox::<(FrameMeta, ReadLease)>();
    let (mut to_detector, mut for_detector) = mailbox::<(FrameMeta, ReadLease)>();
    let (mut up, mut transport) = mailbox::<(FrameMeta, ReadLease)>();
    let (mut news, mut heard) = rtrb::RingBuffer::<(FrameMeta, HopTimes)>::new(16);
    let bell = Doorbell::futex();
    let reactor_bell = Doorbell::eventfd().expect("an eventfd");

    // Room for fewer stamps than are made between two drains, so that a full ring is met too.
    let mut tracer = Tracer::default();
    let mut stamper = tracer.stamper("encoder", 64);
    let (mut counters, watch) = ThreadCounters::new("encoder");

    assert_ne!(count(|| drop(std::hint::black_box(Box::new(1)))), HeapCalls::NONE, "a heap call would be counted");
    let before = HeapCalls::of_this_thread();
    for seq in 0..1_000_u64 {
        let mut slot = frames.acquire().expect("slots come home");
        slot.as_mut().fill(seq as u8);
        let capture = Monotonic::now();
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
        let [encoder, detector] = slot.share(meta.bytes()).expect("a frame fits its slot");
        drop(to_encoder.put((meta, encoder)));
        drop(to_detector.put((meta, detector)));
        bell.ring();

        let (meta, raw) = from_camera.take().expect("the frame just put");
        let mut payload = payloads.acquire().expect("payloads come home");
        payload.as_mut()[..16].copy_from_slice(&raw.as_ref()[..16]);
        drop(raw);
        let [payload] = payload.share(16).expect("a payload fits its slot");
        drop(up.put((meta, payload)));
        reactor_bell.ring();

        let mut hops = HopTimes::default();
        hops.set(Hop::Encode, capture.plus(Duration::from_millis(1)).saturating_since(capture));
        news.push((meta, hops)).expect("room");
        assert_eq!(heard.pop().expect("just pushed").0.seq, seq);
        stamper.stamp(Hop::Encode, meta.id(), capture, capture.plus(Duration::from_millis(1)));
        counters.tick(Monotonic::now());
        counters.count(Counter::Items);
        // Every third payload and frame is overtaken instead of taken.
        if seq % 3 != 0 {
            let (meta, payload) = transport.take().expect("the payload just put");
            assert_eq!((meta.seq, payload.as_ref()[0]), (seq, seq as u8));
            drop(for_detector.take());
        }
        reactor_bell.clear_event();
        if seq % 100 == 99 {
            let drained = tracer.drain();
            assert_eq!((drained.stamps, drained.dropped), (64, 36));
            assert_eq!(watch.snapshot().get(Counter::Items), seq + 1);
        }
    }
    drop(counters);
    assert_eq!(HeapCalls::of_this_thread() - before, HeapCalls::NONE, "in 1000 hand-overs");
    assert_eq!((tracer.histograms().count(Hop::Encode), tracer.dropped()), (640, 360));
    assert!(watch.snapshot().iter().any(|(name, value)| (name, value) == ("loops", 1_000)));
}
