//! Floods: whoever comes and goes, and datagrams that mean nothing, leave nothing behind and disturb nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, outsider, pki};
use rt_core::clock::Monotonic;
use transport::car::ReplyStatus;
use transport::certs::TlsFiles;
use transport::gateway::{GatewayEvent, GatewayLimits};
use transport::wire::control::ControlMessage;

const LONG: Duration = Duration::from_secs(20);

/// The system's heap, with the bytes that are in use.
struct Weighed;

static IN_USE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call is handed on to the system's allocator with its arguments unchanged; counting touches an atomic.
unsafe impl GlobalAlloc for Weighed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static HEAP: Weighed = Weighed;

/// What the process holds of the machine's memory, the TLS library's share included, bytes.
fn resident() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: i64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * 4_096
}

/// Cars that come, say Hello and go, `count` of them, each with an identity of its own.
fn come_and_go(cloud: &mut CloudSide, files: &TlsFiles, count: u64, round: u64) {
    let runtime = outsider::runtime();
    runtime.block_on(async {
        let mut client = outsider::client(files);
        for number in 0..count {
            let identity = format!("car/flood/00000000-0000-4000-8000-{:012x}", round * 1_000_000 + number);
            let mut connection = outsider::connect(&client, cloud.address).await.expect("a connection");
            let (answer, _stream) = outsider::hello(&mut connection, &identity).await.expect("an answer");
            assert!(matches!(answer, ControlMessage::Accepted { .. }), "{answer:?}");
            connection.close(0_u32.into());
        }
        // So that the last goodbye is sent, too.
        client.wait_idle().await.expect("closed");
    });
    let (mut joined, mut left) = (0, 0);
    while left < count {
        match cloud.wait_event(|event| matches!(event, GatewayEvent::Joined { .. } | GatewayEvent::Left { .. })) {
            GatewayEvent::Joined { .. } => joined += 1,
            _ => left += 1,
        }
    }
    assert_eq!((joined, left), (count, count));
}

#[test]
fn cars_that_come_and_go_leave_no_memory_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    // Few enough that one place that is not given back would be missed.
    let limits = GatewayLimits { max_cars: 40, max_handshakes: 1_000, ..GatewayLimits::default() };
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let mut good = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    good.wait_connected(true);
    cloud.wait_event(|event| matches!(event, GatewayEvent::Joined { .. }));
    const ROUND: u64 = 60;
    for round in 0..2 {
        come_and_go(&mut cloud, &pki.car(), ROUND, round);
    }
    let (heap, memory) = (IN_USE.load(Ordering::Relaxed), resident());
    const ROUNDS: u64 = 4;
    for round in 2..2 + ROUNDS {
        come_and_go(&mut cloud, &pki.car(), ROUND, round);
        good.send(0, round, 0, 20_000, LONG);
        assert_eq!(good.reply(0).status, ReplyStatus::Ok);
    }
    // The stack forgets a closed connection a little later.
    let end = Monotonic::now().plus(PATIENCE);
    let connections = (ROUNDS * ROUND) as i64;
    loop {
        let (grown, more) = (IN_USE.load(Ordering::Relaxed) - heap, resident() - memory);
        // A connection is tens of kilobytes; a hundred bytes each would be a leak already.
        if grown < connections * 100 && more < connections * 5_000 {
            eprintln!("after {connections} connections: {grown} bytes of heap, {more} bytes resident");
            break;
        }
        assert!(Monotonic::now() < end, "{grown} bytes of heap, {more} bytes resident after {connections} connections");
        std::thread::sleep(Duration::from_millis(50));
    }
    cloud.end();
}

#[test]
fn datagrams_that_mean_nothing_are_counted_and_disturb_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    let socket = UdpSocket::bind(localhost()).expect("a socket");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..20 {
        for _ in 0..100 {
            let mut bytes: Vec<u8> = vec![];
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let length = 1 + (random % 1_400) as usize;
            while bytes.len() < length {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                bytes.extend_from_slice(&random.to_le_bytes());
            }
            bytes.truncate(length);
            // A part looks like the first packet of a connection, of this version or of one that nobody speaks.
            match random % 4 {
                0 => bytes.splice(..bytes.len().min(5), [0xc3, 0, 0, 0, 1]).for_each(drop),
                1 => bytes.splice(..bytes.len().min(5), [0xc3, 0xde, 0xad, 0xbe, 0xef]).for_each(drop),
                _ => {}
            }
            socket.send_to(&bytes, cloud.address).expect("sent");
        }
        car.send(0, round, 0, 20_000, LONG);
        assert_eq!((car.reply(0).status, round), (ReplyStatus::Ok, round));
    }
    cloud.wait_event(|event| matches!(event, GatewayEvent::Tally(tally) if tally.dropped_datagrams > 0));
    cloud.end();
}
