//! The car's own capture and encoder threads, counted as they run: capture → encode and encode → send ask the heap for
//! nothing, and a frame's bytes are read where the camera wrote them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use allocation::model_config::Payload;
use drivers::camera::{Camera, CameraError, Captured, Wait};
use inference::codec::ImageEncoder;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::mailbox::{self, mailbox};
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, WriteLease};
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use rt_core::wait::{WaitStrategy, Waiter};
use telemetry::emitter;
use telemetry::frames::{FrameSampler, SaveFrames};
use telemetry::names::Names;
use testkit::heap::{HeapCalls, SharedCalls};

use super::capture::Capture;
use super::encoder::Encoder;
use super::messages::{Assignment, FrameNews, LeasedFrame, Sending};

const SIDE: u32 = 64;
const FRAMES: u64 = 300;
/// Frames after which everything has been used once.
const WARM: u64 = 20;

fn pool(slots: usize) -> FramePool {
    let bytes = PixelFormat::Rgb8.frame_bytes(SIDE, SIDE);
    FramePool::new(slots, bytes, HugePages::Never, false).expect("a small pool")
}

/// A camera that also plays the threads behind it, and looks between two frames at what its thread has asked of the heap.
struct Counting {
    slot: Option<WriteLease>,
    seq: u64,
    /// Where the last frame was written.
    written: *const u8,
    encoder: mailbox::Receiver<LeasedFrame>,
    detector: mailbox::Receiver<LeasedFrame>,
    news: ring::Consumer<FrameNews>,
    /// Heap calls of the thread when warm, and at the end.
    calls: Arc<std::sync::Mutex<Vec<HeapCalls>>>,
    stop: StopToken,
}

// SAFETY: the pointer is compared, never followed.
unsafe impl Send for Counting {}

impl Camera<WriteLease> for Counting {
    fn frame_bytes(&self) -> usize {
        PixelFormat::Rgb8.frame_bytes(SIDE, SIDE)
    }

    fn size(&self) -> (u32, u32) {
        (SIDE, SIDE)
    }

    fn period(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn queue_capacity(&self) -> usize {
        1
    }

    fn queue(&mut self, slot: WriteLease) -> Result<(), (WriteLease, CameraError)> {
        self.slot = Some(slot);
        Ok(())
    }

    fn dequeue(&mut self, _wait: &Wait<'_>) -> Result<Option<Captured<WriteLease>>, CameraError> {
        while self.news.pop().is_ok() {}
        // Every fifth frame is left to be overtaken.
        if !self.seq.is_multiple_of(5) {
            let frame = self.encoder.take().expect("the frame just handed on");
            assert_eq!(frame.lease.as_ref().as_ptr(), self.written, "read where it was written");
            assert_eq!(frame.lease.as_ref()[0], (self.seq - 1) as u8);
            drop(self.detector.take().expect("the same frame"));
        }
        if self.seq == WARM || self.seq == FRAMES {
            self.calls.lock().expect("nobody else").push(HeapCalls::of_this_thread());
        }
        if self.seq == FRAMES {
            self.stop.set();
            return Ok(None);
        }
        let Some(mut slot) = self.slot.take() else { return Ok(None) };
        slot.as_mut().fill(self.seq as u8);
        self.written = slot.as_mut().as_ptr();
        self.seq += 1;
        Ok(Some(Captured {
            slot,
            seq: self.seq - 1,
            capture: Monotonic::now(),
            obtain: Duration::ZERO,
            width: SIDE,
            height: SIDE,
            format: PixelFormat::Rgb8,
            scene: 0,
            dropped_before: 0,
        }))
    }

    fn reclaim(&mut self) -> Option<WriteLease> {
        self.slot.take()
    }
}

#[test]
fn the_capture_thread_hands_frames_on_without_the_heap_and_without_a_copy() {
    let (to_encoder, from_camera, _watched) = mailbox::watched();
    let (to_detector, for_detector) = mailbox();
    let (news_in, news_out, _watched) = ring::watched(64);
    let calls = Arc::new(std::sync::Mutex::new(Vec::with_capacity(2)));
    let stop = StopToken::default();
    let camera = Counting {
        slot: None,
        seq: 0,
        written: std::ptr::null(),
        encoder: from_camera,
        detector: for_detector,
        news: news_out,
        calls: Arc::clone(&calls),
        stop: stop.clone(),
    };
    let capture = Capture {
        service: 1,
        slo: Duration::from_millis(200),
        camera: Box::new(camera),
        pool: pool(4 + telemetry::frames::SLOTS),
        bell: Doorbell::futex(),
        captured: Arc::new(AtomicU64::new(0)),
        news: news_in,
        service_bell: Doorbell::futex(),
        encoder: to_encoder,
        encoder_bell: Doorbell::futex(),
        detector: to_detector,
        detector_bell: Doorbell::futex(),
        contexts: emitter::ring(FRAMES as usize).0,
        sampler: FrameSampler::new(SaveFrames::All),
        counters: ThreadCounters::new("capture-1").0,
    };
    capture.run(&Waiter::new(WaitStrategy::Futex, 1), &stop).expect("no fault");
    let calls = calls.lock().expect("nobody else");
    let [warm, end] = calls.as_slice() else { panic!("{calls:?}") };
    assert_ne!(*warm, HeapCalls::NONE, "this thread's calls are counted");
    assert_eq!(*end - *warm, HeapCalls::NONE, "heap calls in {} frames", FRAMES - WARM);
}

#[test]
fn the_encoder_thread_hands_payloads_on_without_the_heap() {
    static CALLS: SharedCalls = SharedCalls::new();
    let (mut camera, frames) = mailbox();
    let (mut assign, assignments) = mailbox();
    let (up, mut transport) = mailbox();
    let (notes, mut service) = ring::ring(64);
    let (costs, mut allocator) = ring::ring(64);
    let (bell, up_bell, halt) = (Doorbell::futex(), Doorbell::futex(), StopToken::default());
    let names = Names::default();
    let name = |text| names.intern(text);
    let input = (SIDE, SIDE);
    // The raw model input: no codec of other people's is in the way.
    let sending = Sending { entry: 0, config: name("raw"), model: 0, payload: Payload::RawInput, input };
    assert!(assign.put(Assignment { sending: Some(sending), probe: None, connected: true }).is_none());
    let encoder = Encoder {
        bell: bell.clone(),
        frames,
        assignments,
        pool: pool(4),
        up,
        up_bell: up_bell.clone(),
        notes,
        service_bell: Doorbell::futex(),
        costs,
        probe_period: Duration::from_secs(1),
        on_vehicle: name("on-vehicle"),
        images: emitter::ring(16).0,
        coder: ImageEncoder::new(),
        counters: ThreadCounters::new("encoder-1").0,
    };
    let never = Monotonic::now().plus(Duration::from_secs(3600));
    let mut pool = pool(4);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let waiter = Waiter::new(WaitStrategy::default(), 1);
            let mut end = Ok(());
            CALLS.watch(|| {
                drop(std::hint::black_box(Box::new(1)));
                end = encoder.run(&waiter, &halt);
            });
            end
        });
        let mut warm = HeapCalls::NONE;
        for seq in 0..FRAMES {
            let mut slot = pool.acquire().expect("slots come home");
            slot.as_mut().fill(seq as u8);
            let capture = Monotonic::now();
            let deadline = Deadline::after_capture(capture, Duration::from_secs(3600));
            let (width, height, format) = (SIDE, SIDE, PixelFormat::Rgb8);
            let meta = FrameMeta { service: 1, seq, capture, deadline, width, height, format, scene: 0 };
            let [lease] = slot.share(meta.bytes()).expect("it fits");
            drop(camera.put(LeasedFrame { meta, lease, handed: capture }));
            bell.ring();
            let payload = loop {
                let seen = up_bell.count();
                match transport.take() {
                    Some(payload) => break payload,
                    None => up_bell.wait_until(seen, never),
                }
            };
            assert_eq!((payload.meta.seq, payload.bytes.as_ref()[0]), (seq, seq as u8));
            drop(payload);
            while service.pop().is_ok() || allocator.pop().is_ok() {}
            if seq == WARM {
                warm = CALLS.get();
            }
        }
        let end = CALLS.get();
        assert_ne!(warm, HeapCalls::NONE, "that thread's calls are counted");
        halt.set();
        running.join().expect("no panic").expect("no fault");
        assert_eq!(end - warm, HeapCalls::NONE, "heap calls in {} frames", FRAMES - WARM - 1);
    });
}
