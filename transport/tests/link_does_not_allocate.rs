//! Once every client has its socket, the link emulator's thread never touches the heap, whatever befalls its packets.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use testkit::heap::{HeapCalls, SharedCalls};
use transport::link::{BurstLoss, Change, Command, Link, LinkConfig, Rebind, Reorder, Script, Trace, Ways};

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
    config.down.duplicate = 0.2;
    config.down.reorder = Reorder { probability: 0.3, extra_delay: Duration::from_micros(300) };
    config.up.corrupt = 0.2;
    // Away and back again for as long as it runs.
    let script = "0ms rate up 80\n3ms delay down 200us\n6ms rate up 100\n7ms delay down 0ms\n8ms repeat";
    config.script = Script::parse(script, "storm", Path::new(".")).expect("a script");
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
        let give_up = Monotonic::now().plus(Duration::from_secs(20));
        for number in 1..=200 {
            round();
            if number % 50 == 0 {
                handle.command(Command::Rebind(Rebind::default())).expect("taken");
                while handle.stats().commands < number / 50 {
                    assert!(Monotonic::now() < give_up, "never rebound: {:?}", handle.stats());
                    std::thread::yield_now();
                }
            }
        }
        let bursts = Change::Burst(BurstLoss { loss: 0.3, mean_packets: 3.0 });
        handle.command(Command::Change(Ways::Up, bursts)).expect("taken");
        // Packets beyond the queue: the rest is dropped.
        for _ in 0..50 {
            client.send_to(&[1; 1400], handle.listen_addr()).expect("sent");
        }
        while handle.stats().up.offered_packets < 251 {
            assert!(Monotonic::now() < give_up, "the burst never came in: {:?}", handle.stats());
            std::thread::yield_now();
        }
        let after_all = LINK.get();
        stop.set();
        let counters = running.join().expect("no panic").expect("no error");
        assert_eq!(after_all, after_first, "after {counters:?}");
        let (up, down) = (counters.up, counters.down);
        assert!(up.corrupted > 0 && down.duplicated > 0 && counters.rebinds == 4, "{counters:?}");
    });
}
