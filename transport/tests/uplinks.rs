//! Two uplinks over real sockets, each bound to a loopback address of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::net::IpAddr;
use std::time::Duration;

use harness::{CarSide, CloudSide, echo, localhost, pki};
use transport::car::{LinkEvent, ReplyStatus, Uplink};
use transport::gateway::{GatewayEvent, GatewayLimits};

const IDENTITY: &str = "car/two-uplinks/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";

#[test]
fn a_connection_is_kept_over_each_uplink_and_frames_go_over_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let addresses: [IpAddr; 2] = ["127.0.0.2".parse().expect("an address"), "127.0.0.3".parse().expect("an address")];
    let uplinks = addresses.map(Uplink::Address).to_vec();
    let mut car = CarSide::start_over(uplinks, pki.car(), cloud.address, IDENTITY, 1);
    let mut joined = vec![];
    while joined.len() < 2 {
        let GatewayEvent::Joined { from, .. } = cloud.wait_event(|event| matches!(event, GatewayEvent::Joined { .. }))
        else {
            panic!("the filter lets only these through");
        };
        joined.push(from.ip());
    }
    joined.sort_unstable();
    assert_eq!(joined, addresses);
    car.wait_event(|event| *event == LinkEvent::Connected);
    car.wait_event(|event| matches!(event, LinkEvent::StandsBy { .. }));
    for seq in 0..20 {
        car.send(0, seq, 0, 20_000, Duration::from_secs(5));
        assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    }
    drop(car);
    cloud.end();
}

#[test]
fn an_uplink_that_is_not_there_is_told_and_the_other_one_used() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    for absent in [Uplink::Address("203.0.113.7".parse().expect("an address")), Uplink::Interface("no-such".into())] {
        let name = absent.to_string();
        let mut car = CarSide::start_over(vec![absent, Uplink::Any], pki.car(), cloud.address, IDENTITY, 1);
        car.wait_event(|event| matches!(event, LinkEvent::Failed { reason } if reason.contains(&name)));
        car.wait_connected(true);
        car.send(0, 1, 0, 20_000, Duration::from_secs(5));
        assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    }
    cloud.end();
}
