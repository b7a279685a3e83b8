//! What one certificate may ask for, and what handshakes in number may do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, outsider, pki};
use rt_core::clock::Monotonic;
use transport::car::{LinkEvent, ReplyStatus};
use transport::certs::{Authority, CLOUD_NAME, Overwrite, Subject, TlsFiles};
use transport::gateway::{GatewayEvent, GatewayLimits, Offence};
use transport::wire::control::ControlMessage;

const OTHER: &str = "car/other/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e02";
const LONG: Duration = Duration::from_secs(20);

fn wait_refused(cloud: &mut CloudSide, words: &str) {
    cloud.wait_event(|event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains(words)));
}

#[test]
fn a_certificate_has_so_many_connections_and_others_have_theirs() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::create(100).expect("an authority");
    let put = |name: &str, subject: Subject| {
        let files = TlsFiles::of(&dir.path().join(name), subject.role());
        authority.publish(&files.ca, Overwrite::Replace).expect("written");
        authority.issue(&subject, None).expect("issued").write(&files, Overwrite::Replace).expect("written");
        files
    };
    let car = |identity: &str| Subject::Car(identity.parse().expect("an identity"));
    let (own, other) = (put("own", car(IDENTITY)), put("other", car(OTHER)));
    let tls = put("cloud", Subject::Cloud { name: CLOUD_NAME.into() });
    let limits = GatewayLimits {
        max_certificate_connections: 2,
        header_time: Duration::from_secs(60),
        ..GatewayLimits::default()
    };
    let mut cloud = CloudSide::start_strict(tls, localhost(), limits, echo);
    let runtime = outsider::runtime();
    let (mut client, silent) = runtime.block_on(async {
        let client = outsider::client(&own);
        let mut silent = vec![];
        for _ in 0..2 {
            let mut connection = outsider::connect(&client, cloud.address).await.expect("a connection");
            connection.keep_alive(true).expect("alive");
            silent.push(connection);
        }
        let mut third = outsider::connect(&client, cloud.address).await.expect("a connection");
        let (answer, _stream) = outsider::hello(&mut third, IDENTITY).await.expect("an answer");
        let ControlMessage::Refused { reason } = answer else { panic!("{answer:?}") };
        assert!(reason.contains("2 connections"), "{reason}");
        (client, silent)
    });
    wait_refused(&mut cloud, "2 connections");
    let mut neighbour = CarSide::start(other, cloud.address, OTHER, 1);
    neighbour.wait_connected(true);
    neighbour.send(0, 1, 0, 20_000, LONG);
    assert_eq!(neighbour.reply(0).status, ReplyStatus::Ok);
    // Once the others are gone there is room again.
    runtime
        .block_on(async {
            drop(silent);
            client.wait_idle().await.map_err(|error| error.to_string())
        })
        .expect("closed");
    let mut again = CarSide::start(own, cloud.address, IDENTITY, 1);
    again.wait_event(|event| *event == LinkEvent::Connected);
    cloud.end();
}

#[test]
fn a_car_that_sends_too_much_is_told_and_only_that_car() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let limits = GatewayLimits { max_car_bytes: 20_000, max_car_bytes_per_s: 10, ..GatewayLimits::default() };
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let mut greedy = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    let mut modest = CarSide::start(pki.car(), cloud.address, OTHER, 1);
    for car in [&mut greedy, &mut modest] {
        car.wait_connected(true);
    }
    for (seq, expected) in [(1, ReplyStatus::Ok), (2, ReplyStatus::Overload), (3, ReplyStatus::Overload)] {
        greedy.send(0, seq, 0, 15_000, LONG);
        assert_eq!((greedy.reply(0).status, seq), (expected, seq));
    }
    wait_refused(&mut cloud, "10 bytes a second");
    cloud.wait_stats("two refusals", |stats| stats.offences(Offence::CarBytes) == 2);
    modest.send(0, 1, 0, 15_000, LONG);
    assert_eq!(modest.reply(0).status, ReplyStatus::Ok);
    greedy.send(0, 4, 0, 1_000, LONG);
    assert_eq!(greedy.reply(0).status, ReplyStatus::Ok, "what is left may still be used");
    cloud.end();
}

/// Begins handshakes that come no further: a client's first datagrams pass, no answer comes back.
fn half_open(runtime: &tokio::runtime::Runtime, files: &TlsFiles, gateway: SocketAddr) -> UdpSocket {
    let trap = UdpSocket::bind(localhost()).expect("a socket");
    trap.set_read_timeout(Some(PATIENCE)).expect("a time");
    let onward = UdpSocket::bind(localhost()).expect("a socket");
    let address = trap.local_addr().expect("an address");
    runtime.block_on(async {
        let client = outsider::client(files);
        // It is given time to send and none to hear of it.
        let _ = tokio::time::timeout(Duration::from_millis(20), outsider::connect(&client, address)).await;
    });
    let mut datagram = [0; 2_048];
    let (length, _) = trap.recv_from(&mut datagram).expect("the client's first datagram");
    onward.send_to(datagram.get(..length).expect("bytes"), gateway).expect("sent");
    onward
}

#[test]
fn beyond_the_limit_of_handshakes_addresses_are_proved_first_and_cars_still_get_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let limits = GatewayLimits { max_handshakes: 3, ..GatewayLimits::default() };
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let runtime = outsider::runtime();
    let mut first = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    first.wait_connected(true);
    let end = Monotonic::now().plus(PATIENCE);
    let tally = loop {
        assert!(Monotonic::now() < end, "no Retry was sent");
        // Those sockets never answer, so their handshakes stay under way for a while.
        let _open: Vec<UdpSocket> = (0..4).map(|_| half_open(&runtime, &pki.car(), cloud.address)).collect();
        let mut second = CarSide::start(pki.car(), cloud.address, OTHER, 1);
        second.wait_event(|event| *event == LinkEvent::Connected);
        second.send(0, 1, 0, 20_000, LONG);
        assert_eq!(second.reply(0).status, ReplyStatus::Ok);
        first.send(0, 1, 0, 20_000, LONG);
        assert_eq!(first.reply(0).status, ReplyStatus::Ok);
        let asked = |event: &GatewayEvent| matches!(event, GatewayEvent::Tally(tally) if tally.retries > 0);
        let gone = |event: &GatewayEvent| matches!(event, GatewayEvent::Left { .. });
        drop(second);
        // The tally may come before the car's end is told, or in the next round.
        if let GatewayEvent::Tally(tally) = cloud.wait_event(|event| asked(event) || gone(event)) {
            break tally;
        }
    };
    assert!(tally.retries >= 1, "{tally:?}");
    cloud.end();
}
