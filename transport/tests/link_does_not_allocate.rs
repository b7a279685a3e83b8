//! Once every client has its socket, the link emulator's thread never touches the heap, whatever passes or is dropped.

use std::net::UdpSocket;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use testkit::heap::{HeapCalls, SharedCalls};
use transport::link::{Link, LinkConfig, Trace};

testkit::count_heap!();

static LINK: SharedCalls = SharedCalls::new();

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
        let running = scope.spawn(|| LINK.watch(|| link.run(&stop)));
        let mut buffer = [0; 2048];
        let mut round = || {
            client.send_to(&[1; 1000], handle.listen_addr()).expect("sent");
            let (len, from) = server.recv_from(&mut buffer).expect("it arrives");
            server.send_to(&buffer[..len], from).expect("answered");
            client.recv(&mut buffer).expect("the answer arrives");
        };
        round();
        let after_first = LINK.get();
        assert_ne!(after_first, HeapCalls::NONE, "the thread is watched");
        for _ in 0..200 {
            round();
        }
        // A burst beyond the queue: the rest is dropped.
        for _ in 0..50 {
            client.send_to(&[1; 1400], handle.listen_addr()).expect("sent");
        }
        let give_up = Monotonic::now().plus(Duration::from_secs(20));
        while handle.stats().up.offered_packets < 251 {
            assert!(Monotonic::now() < give_up, "the burst never came in: {:?}", handle.stats());
            std::thread::yield_now();
        }
        let after_all = LINK.get();
        stop.set();
        let counters = running.join().expect("no panic").expect("no error");
        assert_eq!(after_all, after_first, "after {counters:?}");
    });
}
