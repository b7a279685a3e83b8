use super::*;
use crate::link::path::PathConfig;
use crate::link::rng::Rng;

/// A datagram that tells its number, its length depending on it.
fn datagram(number: u32) -> Vec<u8> {
    let mut rng = Rng::new(number.into());
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend((0..rng.below(1400)).map(|_| rng.word() as u8));
    bytes
}

#[test]
fn every_byte_arrives_unchanged_both_ways_for_several_clients() {
    let server = socket();
    let mut config = config_for(&server);
    let way = Duration::from_millis(2);
    config.up = config.up.delayed(way);
    config.down = config.down.delayed(way);
    let counters = with_link(config, |handle| {
        let clients: Vec<UdpSocket> = (0..3).map(|_| socket()).collect();
        let mut buffer = [0; 2048];
        for number in 0..150 {
            let client = &clients[number as usize % clients.len()];
            let sent = datagram(number);
            let begun = Monotonic::now();
            client.send_to(&sent, handle.listen_addr()).expect("sent");
            let (len, from) = server.recv_from(&mut buffer).expect("it arrives");
            assert_eq!(buffer[..len], sent);
            server.send_to(&buffer[..len], from).expect("answered");
            let (len, from) = client.recv_from(&mut buffer).expect("the answer arrives");
            assert_eq!((&buffer[..len], from), (&sent[..], handle.listen_addr()));
            assert!(Monotonic::now().saturating_since(begun) >= 2 * way, "faster than the delay");
        }
    });
    assert_eq!((counters.clients, counters.up.passed_packets, counters.down.passed_packets), (3, 150, 150));
    let wire: u64 = (0..150).map(|number| datagram(number).len() as u64 + 28).sum();
    assert_eq!((counters.up.passed_bytes, counters.down.passed_bytes), (wire, wire));
    assert_eq!((counters.up.dropped_packets(), counters.down.dropped_packets()), (0, 0));
}

fn numbers_through(seed: u64, loss: f64, count: u32) -> (Vec<u32>, LinkSnapshot) {
    let server = socket();
    let mut config = config_for(&server);
    config.seed = seed;
    config.up = config.up.lossy(loss);
    let mut numbers = Vec::new();
    let counters = with_link(config, |handle| {
        let client = socket();
        let mut buffer = [0; 2048];
        for number in 0..count {
            client.send_to(&datagram(number), handle.listen_addr()).expect("sent");
            let dealt_with = |up: crate::link::DirectionSnapshot| up.passed_packets + up.dropped_packets();
            wait_for(|| dealt_with(handle.stats().up) == u64::from(number) + 1);
            if handle.stats().up.passed_packets > numbers.len() as u64 {
                let len = server.recv(&mut buffer).expect("it arrives");
                assert_eq!(buffer[..len], datagram(number));
                numbers.push(number);
            }
        }
    });
    (numbers, counters)
}

#[test]
fn the_seed_alone_decides_which_packets_are_lost() {
    let (first, counters) = numbers_through(42, 0.3, 200);
    let (second, _) = numbers_through(42, 0.3, 200);
    assert_eq!(first, second);
    assert_eq!(counters.up.dropped_loss, 200 - first.len() as u64);
    assert!((20..100).contains(&counters.up.dropped_loss), "{} of 200", counters.up.dropped_loss);
    let (other, _) = numbers_through(43, 0.3, 200);
    assert_ne!(first, other);
}

#[test]
fn at_rate_zero_the_queue_fills_to_the_byte_and_goes_on_when_the_rate_comes_back() {
    let server = socket();
    let mut config = config_for(&server);
    config.up.queue_bytes = 10_280;
    let counters = with_link(config, |handle| {
        handle.set_up_rate(0);
        let client = socket();
        for number in 0_u32..14 {
            let mut bytes = vec![7; 1000];
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            client.send_to(&bytes, handle.listen_addr()).expect("sent");
        }
        wait_for(|| handle.stats().up.offered_packets == 14);
        wait_for(|| handle.stats().up.queue_bytes == 10_280);
        assert_eq!((handle.stats().up.dropped_queue, handle.stats().up.passed_packets), (4, 0));
        handle.set_blackout(true);
        handle.set_up_rate(50_000_000);
        handle.set_blackout(false);
        let mut buffer = [0; 2048];
        for number in 0_u32..10 {
            assert_eq!(server.recv(&mut buffer).expect("what was queued arrives, in order"), 1000);
            assert_eq!(buffer[..4], number.to_le_bytes());
        }
        wait_for(|| handle.stats().up.queue_bytes == 0);
    });
    assert_eq!((counters.up.passed_packets, counters.up.dropped_packets()), (10, 4));
}

#[test]
fn a_blackout_holds_packets_and_the_way_down_stays_open() {
    let server = socket();
    with_link(config_for(&server), |handle| {
        let client = socket();
        let mut buffer = [0; 64];
        client.send_to(b"before", handle.listen_addr()).expect("sent");
        let (_, client_seen_as) = server.recv_from(&mut buffer).expect("it arrives");
        handle.set_blackout(true);
        server.send_to(b"down", client_seen_as).expect("sent");
        assert_eq!(client.recv(&mut buffer).expect("the way down is open"), 4);
        client.send_to(b"during", handle.listen_addr()).expect("sent");
        wait_for(|| handle.stats().up.queue_bytes > 0);
        assert_eq!(handle.stats().up.passed_packets, 1);
        handle.set_blackout(false);
        assert_eq!(server.recv(&mut buffer).expect("it arrives at last"), 6);
    });
}

#[test]
fn a_server_that_dies_and_comes_back_is_served_again() {
    let server = socket();
    let addr = server.local_addr().expect("bound");
    with_link(config_for(&server), |handle| {
        let client = socket();
        client.send_to(b"alive", handle.listen_addr()).expect("sent");
        let mut buffer = [0; 64];
        assert_eq!(server.recv(&mut buffer).expect("it arrives"), 5);
        drop(server);
        for number in 1..=20_u64 {
            client.send_to(b"lost", handle.listen_addr()).expect("sent");
            let up = || handle.stats().up;
            wait_for(|| up().passed_packets + up().dropped_packets() == number + 1);
        }
        let again = UdpSocket::bind(addr).expect("the same port");
        again.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        client.send_to(b"alive again", handle.listen_addr()).expect("sent");
        assert_eq!(again.recv(&mut buffer).expect("it arrives"), 11);
    });
}

#[test]
fn what_the_link_cannot_carry_is_counted_by_its_reason() {
    let server = socket();
    let mut config = config_for(&server);
    config.max_clients = 1;
    let counters = with_link(config, |handle| {
        let (first, second) = (socket(), socket());
        first.send_to(&[1; 1472], handle.listen_addr()).expect("sent");
        assert_eq!(server.recv(&mut [0; 2048]).expect("a full packet passes"), 1472);
        first.send_to(&[1; 1473], handle.listen_addr()).expect("sent");
        first.send_to(&[1; 9000], handle.listen_addr()).expect("sent");
        second.send_to(b"no place", handle.listen_addr()).expect("sent");
        wait_for(|| handle.stats().up.offered_packets == 4);
    });
    assert_eq!((counters.up.dropped_mtu, counters.up.dropped_no_client, counters.up.passed_packets), (2, 1, 1));
}

#[test]
fn wrong_configurations_and_taken_ports_are_told_with_the_address() {
    let server = socket();
    let taken = socket().local_addr().map(|_| server.local_addr().expect("bound")).expect("bound");
    let fault = |config: LinkConfig| Link::bind(config).err().expect("refused").to_string();
    let said = fault(LinkConfig { listen: taken, ..config_for(&server) });
    assert!(said.contains(&taken.to_string()) && said.contains("another program has this port"), "{said}");
    let nowhere = "192.0.2.1:9".parse().expect("an address");
    let said = fault(LinkConfig { listen: nowhere, ..config_for(&server) });
    assert!(said.contains("192.0.2.1:9") && said.contains("does not have that address"), "{said}");
    assert!(fault(LinkConfig { mtu_bytes: 100, ..config_for(&server) }).contains("an MTU of 100 bytes"));
    assert!(fault(LinkConfig { max_clients: 0, ..config_for(&server) }).contains("max_clients is 0"));
    let lossy = PathConfig::fast().lossy(-0.1);
    assert!(fault(LinkConfig { down: lossy, ..config_for(&server) }).contains("downlink: loss is -0.1"));
}

#[test]
fn a_stop_before_the_start_ends_it_at_once() {
    let server = socket();
    let stop = StopToken::default();
    stop.set();
    let mut addr = None;
    let counters = run_link(config_for(&server), &stop, |handle| addr = Some(handle.listen_addr())).expect("ended");
    assert!(addr.is_some_and(|addr| addr.port() != 0));
    assert_eq!(counters, LinkSnapshot::default());
}
