//! Once every client has its socket, the link emulator's thread never touches the heap, whatever passes or is dropped.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rt_core::stop::StopToken;
use transport::link::{Link, LinkConfig, Trace};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

fn note() {
    if WATCHED.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: every call is handed on unchanged to the system's allocator; counting touches no heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn relaying_and_dropping_leave_the_heap_alone() {
    let patience = Some(Duration::from_secs(20));
    let server = UdpSocket::bind("127.0.0.1:0").expect("a server");
    server.set_read_timeout(patience).expect("a timeout");
    let client = UdpSocket::bind("127.0.0.1:0").expect("a client");
    client.set_read_timeout(patience).expect("a timeout");
    let trace = Trace::generated(3, Duration::from_secs(10), 100_000_000);
    let listen = "127.0.0.1:0".parse().expect("an address");
    let mut config = LinkConfig::new(listen, server.local_addr().expect("bound"), trace);
    config.up.queue_bytes = 4_000;
    config.down.jitter = Duration::from_micros(50);
    let (link, handle) = Link::bind(config).expect("a link");
    let stop = StopToken::default();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            WATCHED.set(true);
            let counters = link.run(&stop);
            WATCHED.set(false);
            counters
        });
        let mut buffer = [0; 2048];
        let mut round = || {
            client.send_to(&[1; 1000], handle.listen_addr()).expect("sent");
            let (len, from) = server.recv_from(&mut buffer).expect("it arrives");
            server.send_to(&buffer[..len], from).expect("answered");
            client.recv(&mut buffer).expect("the answer arrives");
        };
        round();
        let after_first = ALLOCATIONS.load(Ordering::SeqCst);
        assert!(after_first > 0, "the thread is watched");
        for _ in 0..200 {
            round();
        }
        // A burst beyond the queue: the rest is dropped.
        for _ in 0..50 {
            client.send_to(&[1; 1400], handle.listen_addr()).expect("sent");
        }
        let give_up = std::time::Instant::now() + Duration::from_secs(20);
        while handle.stats().up.offered_packets < 251 {
            assert!(std::time::Instant::now() < give_up, "the burst never came in: {:?}", handle.stats());
            std::thread::yield_now();
        }
        let after_all = ALLOCATIONS.load(Ordering::SeqCst);
        stop.set();
        let counters = running.join().expect("no panic").expect("no error");
        assert_eq!(after_all, after_first, "after {counters:?}");
    });
}
