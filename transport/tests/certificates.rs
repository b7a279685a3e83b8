//! Certificates as they come and go: rotation while everything runs, and those that are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::path::Path;
use std::time::Duration;

use harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, outsider};
use rt_core::clock::UnixTime;
use transport::car::{LinkEvent, ReplyStatus};
use transport::certs::{Authority, CLOUD_NAME, Overwrite, Subject, TlsFiles};
use transport::gateway::{GatewayEvent, GatewayLimits};
use transport::wire::control::ControlMessage;

const OTHER: &str = "car/other/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e02";
const LONG: Duration = Duration::from_secs(20);

fn car(identity: &str) -> Subject {
    Subject::Car(identity.parse().expect("an identity"))
}

fn cloud() -> Subject {
    Subject::Cloud { name: CLOUD_NAME.into() }
}

fn authority() -> Authority {
    Authority::create(100).expect("an authority")
}

/// A certificate of `subject` in `dir`, whatever was there before.
fn put(dir: &Path, authority: &Authority, subject: &Subject) -> TlsFiles {
    let files = TlsFiles::of(dir, subject.role());
    authority.publish(&files.ca, Overwrite::Replace).expect("written");
    authority.issue(subject, None).expect("issued").write(&files, Overwrite::Replace).expect("written");
    files
}

fn is_served(car: &mut CarSide, seq: u64) {
    car.send(0, seq, 0, 20_000, LONG);
    assert_eq!((car.reply(0).status, seq), (ReplyStatus::Ok, seq));
}

fn refusal(car: &mut CarSide) -> String {
    match car.wait_event(|event| matches!(event, LinkEvent::Refused { .. })) {
        LinkEvent::Refused { reason } => reason,
        other => panic!("{other:?} is no refusal"),
    }
}

fn wait_refused(cloud: &mut CloudSide, words: &str) {
    cloud.wait_event(|event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains(words)));
}

#[test]
fn a_hello_that_is_not_the_certificates_is_refused_over_the_control_stream() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = authority();
    let files = put(&dir.path().join("car"), &authority, &car(IDENTITY));
    let fleet = put(&dir.path().join("fleet"), &authority, &Subject::Fleet);
    let tls = put(&dir.path().join("cloud"), &authority, &cloud());
    let mut cloud = CloudSide::start_strict(tls, localhost(), GatewayLimits::default(), echo);
    let mut good = CarSide::start(files.clone(), cloud.address, IDENTITY, 1);
    good.wait_connected(true);
    let mut liar = CarSide::start(files, cloud.address, OTHER, 1);
    let reason = refusal(&mut liar);
    assert!(reason.contains(OTHER) && reason.contains(IDENTITY), "{reason}");
    wait_refused(&mut cloud, OTHER);
    drop(liar);
    let mut unclear = CarSide::start(fleet, cloud.address, OTHER, 1);
    assert!(refusal(&mut unclear).contains("fleet"));
    wait_refused(&mut cloud, "fleet");
    drop(unclear);
    let tally = cloud.wait_event(|event| matches!(event, GatewayEvent::Tally(tally) if tally.refused >= 2));
    assert!(matches!(tally, GatewayEvent::Tally(tally) if tally.failed_handshakes == 0), "{tally:?}");
    is_served(&mut good, 1);
    cloud.end();
}

#[test]
fn an_authority_is_replaced_while_cars_drive() {
    let dir = tempfile::tempdir().expect("a directory");
    let (cloud_dir, car_dir, late_dir) = (dir.path().join("cloud"), dir.path().join("car"), dir.path().join("late"));
    let (old, new) = (authority(), authority());
    let tls = put(&cloud_dir, &old, &cloud());
    let side = CloudSide::start_strict(tls.clone(), localhost(), GatewayLimits::default(), echo);
    let mut first = CarSide::start(put(&car_dir, &old, &car(IDENTITY)), side.address, IDENTITY, 1);
    first.wait_connected(true);

    // Half-written files are refused, and the old ones serve on.
    std::fs::write(&tls.certificate, "-----BEGIN CERTIFICATE-----\nMIIB").expect("written");
    assert!(side.tls.renew().is_err());
    let mut late = CarSide::start(put(&late_dir, &old, &car(OTHER)), side.address, OTHER, 1);
    late.wait_connected(true);
    drop(late);

    put(&cloud_dir, &new, &cloud());
    let renewed = side.tls.renew().expect("good files");
    assert_eq!(renewed.issuer, new.facts().subject);
    is_served(&mut first, 1);
    let mut stale = CarSide::start(put(&late_dir, &old, &car(OTHER)), side.address, OTHER, 1);
    stale.wait_event(|event| matches!(event, LinkEvent::Failed { .. }));
    // The stale car itself is renewed while it tries on, and gets in.
    put(&late_dir, &new, &car(OTHER));
    stale.tls.renew().expect("good files");
    stale.wait_event(|event| *event == LinkEvent::Connected);
    is_served(&mut stale, 1);
    is_served(&mut first, 2);

    // The first one's connection lived through it all; its next one needs the new certificate, and has it.
    put(&car_dir, &new, &car(IDENTITY));
    first.tls.renew().expect("good files");
    is_served(&mut first, 3);
    assert!(first.events.pop().is_ok_and(|event| event == LinkEvent::Connected), "its one connection so far");
    assert!(first.events.is_empty(), "and nothing since");
    let address = side.address;
    side.end();
    let side = CloudSide::start_strict(tls, address, GatewayLimits::default(), echo);
    first.wait_event(|event| matches!(event, LinkEvent::Lost { .. }));
    first.wait_event(|event| *event == LinkEvent::Connected);
    is_served(&mut first, 4);
    side.end();
}

#[test]
fn handshakes_that_fail_are_counted_and_told_and_nobody_else_notices() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = authority();
    let tls = put(&dir.path().join("cloud"), &authority, &cloud());
    let mut side = CloudSide::start_strict(tls.clone(), localhost(), GatewayLimits::default(), echo);
    let mut good = CarSide::start(put(&dir.path().join("car"), &authority, &car(IDENTITY)), side.address, IDENTITY, 1);
    good.wait_connected(true);

    let mut wrong_ca = put(&dir.path().join("wrong"), &self::authority(), &car(OTHER));
    wrong_ca.ca = tls.ca.clone();
    let expired = TlsFiles { ca: tls.ca.clone(), ..TlsFiles::of(&dir.path().join("wrong"), "expired") };
    let now = UnixTime::now().seconds();
    let late = authority.issue_between(&car(OTHER), now - 3_600, now - 60).expect("issued");
    late.write(&expired, Overwrite::Refuse).expect("written");
    let runtime = outsider::runtime();
    for (failed, (what, files)) in (1..).zip([("wrong CA", &wrong_ca), ("expired", &expired), ("a server's", &tls)]) {
        runtime.block_on(async {
            let client = outsider::client(files);
            // The client's side of the handshake may succeed first; nothing is answered either way.
            if let Ok(mut connection) = outsider::connect(&client, side.address).await {
                let answer = tokio::time::timeout(PATIENCE, outsider::hello(&mut connection, OTHER)).await;
                assert!(answer.expect("an end").is_none(), "{what}: no answer to Hello");
            }
        });
        wait_refused(&mut side, "handshake");
        side.wait_event(|event| matches!(event, GatewayEvent::Tally(tally) if tally.failed_handshakes == failed));
        is_served(&mut good, failed);
    }
    side.end();
}

#[test]
fn a_cars_certificate_makes_no_cloud() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = authority();
    let files = put(&dir.path().join("car"), &authority, &car(IDENTITY));
    let side = CloudSide::start_strict(files.clone(), localhost(), GatewayLimits::default(), echo);
    let mut good = CarSide::start(files, side.address, IDENTITY, 1);
    for _ in 0..3 {
        let event = good.wait_event(|_| true);
        assert!(matches!(event, LinkEvent::Failed { .. }), "{event:?}");
    }
    side.end();
}

#[test]
fn a_car_that_has_fallen_silent_is_replaced_by_its_next_connection() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = authority();
    let files = put(&dir.path().join("car"), &authority, &car(IDENTITY));
    let tls = put(&dir.path().join("cloud"), &authority, &cloud());
    let mut side = CloudSide::start_strict(tls, localhost(), GatewayLimits::default(), echo);
    let runtime = outsider::runtime();
    let _silent = runtime.block_on(async {
        let client = outsider::client(&files);
        let mut connection = outsider::connect(&client, side.address).await.expect("a connection");
        let (answer, stream) = outsider::hello(&mut connection, IDENTITY).await.expect("an answer");
        assert!(matches!(answer, ControlMessage::Accepted { .. }), "{answer:?}");
        (client, connection, stream)
    });
    // The runtime is left alone from here on: no packet comes any more, and no goodbye.
    side.wait_event(|event| matches!(event, GatewayEvent::Joined { .. }));
    let mut car = CarSide::start(files, side.address, IDENTITY, 1);
    car.wait_event(|event| *event == LinkEvent::Connected);
    is_served(&mut car, 1);
    let next = side.wait_event(|event| !matches!(event, GatewayEvent::Refused { .. } | GatewayEvent::Tally(_)));
    assert!(matches!(next, GatewayEvent::Joined { .. }), "before the old connection's own end: {next:?}");
    side.wait_event(|event| matches!(event, GatewayEvent::Left { .. }));
    is_served(&mut car, 2);
    side.end();
}
