//! The hand-overs capture → encode and encode → send, as the car makes them, counted: no heap call after start-up.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::hops::{Hop, HopTimes};
use rt_core::mailbox::mailbox;
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease};

thread_local! {
    static HEAP_CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Counts every heap call of the calling thread.
struct Counting;

// SAFETY: everything is the system allocator's; counting touches a thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP_CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HEAP_CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn heap_calls() -> u64 {
    HEAP_CALLS.with(Cell::get)
}

#[test]
fn a_heap_call_would_be_counted() {
    let before = heap_calls();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(heap_calls() - before, 2);
}

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

    let before = heap_calls();
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
        // Every third payload and frame is overtaken instead of taken.
        if seq % 3 != 0 {
            let (meta, payload) = transport.take().expect("the payload just put");
            assert_eq!((meta.seq, payload.as_ref()[0]), (seq, seq as u8));
            drop(for_detector.take());
        }
        reactor_bell.clear_event();
    }
    assert_eq!(heap_calls() - before, 0, "heap calls in 1000 hand-overs");
}
