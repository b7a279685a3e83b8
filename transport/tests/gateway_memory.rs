//! Whatever a car floods the gateway with: once it is over, the heap is where it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use harness::raw::{Driven, RawCar, header, whole};
use harness::{CloudSide, echo, localhost, pki};
use rt_core::clock::Monotonic;
use transport::gateway::GatewayLimits;
use transport::wire::frame::FrameHeader;

/// Bytes allocated and not freed, of the whole process.
static LIVE: AtomicI64 = AtomicI64::new(0);

struct Tally;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Tally {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static HEAP: Tally = Tally;

/// One kind of flood.
type Flood = fn(u64) -> (Vec<u8>, End);

/// What the car does with a stream once its bytes are up.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Reset,
    Finish,
    Wait,
}

fn frame(header: &FrameHeader, bytes: usize) -> Vec<u8> {
    let mut frame = header.encode().to_vec();
    frame.resize(frame.len() + bytes, 0);
    frame
}

const FLOODS: [(&str, Flood); 7] = [
    // Small enough that none is refused: s2n-quic 1.91 keeps a stream that is reset after its peer has stopped it, and here
    // that would be the flooding car's.
    ("resets", |seq| (frame(&FrameHeader { seq, ..header(20_000) }, 3_000), End::Reset)),
    ("noise", |_| (vec![0xff; 3_000], End::Wait)),
    ("frames cut short", |seq| (frame(&FrameHeader { seq, ..header(9_000) }, 3_000), End::Finish)),
    ("repeated frames", |_| (frame(&FrameHeader { seq: 1, ..header(3_000) }, 3_000), End::Wait)),
    ("ever new services", |seq| (frame(&FrameHeader { seq, service: seq as u16, ..header(9_000) }, 3_000), End::Wait)),
    ("unknown models", |seq| (frame(&FrameHeader { seq, model: 7, ..header(9_000) }, 3_000), End::Wait)),
    ("frames that never come whole", |seq| {
        let budget = Duration::from_millis(30);
        (frame(&FrameHeader { seq, budget, ..header(900_000) }, 3_000), End::Wait)
    }),
];

/// More than this much more than before, per stream of a flood, is a leak.
const LEAK_BYTES: i64 = 64;
const STREAMS: u64 = 400;

async fn flood(raw: &mut RawCar, next: &mut u64, kind: Flood) {
    // A few at a time, as many as the gateway lets a car have open.
    for _ in 0..STREAMS / 20 {
        let mut open = vec![];
        for _ in 0..20 {
            *next += 1;
            let (bytes, end) = kind(*next);
            let mut stream = raw.say(bytes).await;
            match end {
                End::Reset => stream.reset(1_u32.into()).expect("reset"),
                End::Finish => stream.finish().expect("finished"),
                End::Wait => {}
            }
            open.push(stream);
        }
        for mut stream in open {
            // To its end: s2n-quic 1.91 also keeps a stream that is dropped when a reset has come that nobody has seen.
            whole(&mut stream).await;
        }
    }
}

/// The live heap once it has stopped falling, everything that is merely on its way being away.
fn settled(cloud: &mut CloudSide) -> i64 {
    cloud.wait_idle();
    let mut least = i64::MAX;
    let mut since = Monotonic::now();
    while since.elapsed() < Duration::from_millis(400) {
        while cloud.events.pop().is_ok() {}
        while cloud.served.pop().is_ok() {}
        let live = LIVE.load(Ordering::Relaxed);
        if live < least {
            (least, since) = (live, Monotonic::now());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    least
}

#[test]
fn after_every_kind_of_flood_the_heap_is_where_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let limits = GatewayLimits { max_violations: u32::MAX, max_services: 4, ..GatewayLimits::default() };
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let runtime = Driven::start();
    let mut raw = runtime.block_on(RawCar::join(&pki.car(), cloud.address, 1));
    let mut next = 0;
    for (name, kind) in FLOODS {
        // The first makes what is made once: tables and buffers as large as they ever get.
        runtime.block_on(flood(&mut raw, &mut next, kind));
        let before = settled(&mut cloud);
        runtime.block_on(flood(&mut raw, &mut next, kind));
        let after = settled(&mut cloud);
        let grown = after - before;
        eprintln!("{name}: {before} bytes live, {grown} more after {STREAMS} more streams; {}", cloud.stats);
        assert!(grown < LEAK_BYTES * STREAMS as i64, "{name}: {grown} bytes more");
    }
    drop(raw);
    cloud.wait_stats("the car to leave", |stats| stats.cars() == 0);
    cloud.end();
}
