//! Both endpoints over loopback: frames answered, superseded, expired; restarts; refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use harness::{CarSide, CloudSide, IDENTITY, Work, echo, failing_gateway, localhost, pki, wait_ring};
use rt_core::trace::Hop;
use transport::car::{LinkEvent, ReplyStatus};
use transport::carrier::{Carrier, CarrierChoice};
use transport::gateway::worker::{Task, TaskResult, TaskStatus};
use transport::gateway::{GatewayError, GatewayEvent, GatewayLimits};
use transport::wire::result::Status;

const LONG: Duration = Duration::from_secs(20);

#[test]
fn frames_of_every_size_come_back_with_detections_and_hops_on_every_carrier() {
    for carrier in
        [CarrierChoice::Pinned(Carrier::Stream), CarrierChoice::Pinned(Carrier::Datagram), CarrierChoice::Auto]
    {
        every_size_comes_back(carrier);
    }
}

fn every_size_comes_back(carrier: CarrierChoice) {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let mut car = CarSide::start_on(carrier, pki.car(), cloud.address, IDENTITY, 3);
    assert_eq!(car.wait("a menu", |car| car.menus.take()).models.first().map(|m| m.workers), Some(1));
    for (seq, bytes) in [1, 1_000, 16_384, 100_000, 3_000_000, 8_000_000].into_iter().enumerate() {
        for lane in 0..3 {
            car.send(lane, seq as u64, (lane % 2) as u16, bytes, LONG);
        }
        for lane in 0..3_usize {
            let reply = car.reply(lane);
            assert_eq!((reply.status, reply.seq), (ReplyStatus::Ok, seq as u64));
            assert_eq!(usize::from(reply.service), lane + 1);
            let found = reply.detections.first().expect("a box");
            // The car's table lists edd2 first, the cloud's menu edd1: names are what counts.
            let cloud_model = if lane % 2 == 0 { 1.0 } else { 0.0 };
            assert_eq!((found.x_min, found.y_min, found.x_max), (seq as f32, cloud_model, bytes as f32));
            assert_eq!(found.y_max, 720.0);
            for hop in [Hop::SendWait, Hop::Send, Hop::CloudReceive, Hop::CloudQueue, Hop::Network] {
                assert!(reply.hops.get(hop).is_some(), "{} is missing", hop.name());
            }
            assert_eq!(reply.hops.get(Hop::CloudInference), Some(Duration::from_micros(200)));
            assert!(reply.uplink_bytes > bytes as u64);
        }
    }
    let served = wait_ring(&mut cloud.served, |served| served.payload_bytes == 8_000_000);
    assert_eq!((served.status, &*served.car, served.detections), (Status::Ok, IDENTITY, 1));
    let estimate = car.wait_connected(true);
    assert!(estimate.rate_bps > 2e6 && estimate.min_rtt > Duration::ZERO && estimate.cwnd_bytes > 0, "{estimate:?}");
    // Both ends read the same clock here, so that their offset has to come out as nothing, within the error it states.
    car.send(0, 9, 0, 1_000, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    let estimate = car.wait("delays", |car| car.estimates.take().filter(|e| e.uplink_delay_variation.is_some()));
    let clock = estimate.clock.expect("a sample of the last second");
    assert!(Duration::from_nanos(clock.offset_ns.unsigned_abs()) <= clock.error, "{clock:?}");
    assert_eq!(estimate.absurd_stamps, 0, "{estimate:?}");
    drop(car);
    cloud.wait_event(|event| matches!(event, GatewayEvent::Left { .. }));
    cloud.end();
}

#[test]
fn measured_execution_times_reach_the_car_in_later_menus() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    car.send(0, 0, 0, 1_000, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    let p95 = |car: &mut CarSide| car.menus.take()?.models.get(1).map(|model| model.p95_us);
    car.wait("the measured 240 µs", |car| p95(car).filter(|p95| *p95 == 240));
    cloud.end();
}

/// Works until the gateway has had time to receive what the test sends meanwhile.
fn slow(task: &Task) -> TaskResult {
    std::thread::sleep(Duration::from_millis(300));
    echo(task)
}

#[test]
fn in_the_cloud_a_newer_frame_supersedes_the_waiting_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), slow);
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    // One runs; of those that follow within its 300 ms only the newest may wait.
    let mut seen = vec![];
    for seq in 0..6 {
        car.send(0, seq, 0, 1_000, LONG);
        car.wait("the endpoint to take it", |car| {
            while let Ok(reply) = car.replies.first_mut()?.pop() {
                seen.push((reply.seq, reply.status));
            }
            car.estimates.take()
        });
    }
    while seen.len() < 6 {
        let reply = car.reply(0);
        seen.push((reply.seq, reply.status));
    }
    seen.sort_by_key(|reply| reply.0);
    assert_eq!(seen.iter().map(|reply| reply.0).collect::<Vec<_>>(), (0..6).collect::<Vec<_>>(), "one answer each");
    assert_eq!(seen.last().map(|reply| reply.1), Some(ReplyStatus::Ok), "the newest is served");
    assert!(seen.iter().any(|reply| reply.1 == ReplyStatus::Superseded), "{seen:?}");
    assert!(seen.iter().all(|reply| matches!(reply.1, ReplyStatus::Ok | ReplyStatus::Superseded)), "{seen:?}");
    cloud.end();
}

#[test]
fn a_frame_past_its_deadline_is_told_as_expired_and_unknown_models_as_errors() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), slow);
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    car.send(0, 1, 0, 1_000, Duration::from_millis(100));
    assert_eq!(car.reply(0).status, ReplyStatus::Expired, "inference takes 300 ms");
    car.send(0, 2, 0, 1_000, Duration::ZERO);
    assert_eq!(car.reply(0).status, ReplyStatus::Expired);
    car.send(0, 3, 2, 1_000, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::Error, "the cloud has no such model");
    car.send(0, 4, 9, 1_000, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::Error, "the car has no such name");
    car.send(0, 5, 0, 0, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::Error, "nothing to send");
    cloud.end();
}

#[test]
fn limits_refuse_a_frame_and_not_the_car() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let limits = GatewayLimits { max_frame_bytes: 50_000, max_car_bytes: 20_000, ..GatewayLimits::default() };
    let cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    for (seq, bytes, expected) in [
        (1, 400_000, ReplyStatus::Error),
        (2, 30_000, ReplyStatus::Overload),
        (3, 10_000, ReplyStatus::Ok),
        (4, 10_000, ReplyStatus::Ok),
    ] {
        car.send(0, seq, 0, bytes, LONG);
        assert_eq!(car.reply(0).status, expected, "{bytes} bytes");
    }
    cloud.end();
}

/// More of them than streams may be open at a time: none may be left behind.
#[test]
fn hundreds_of_frames_that_the_cloud_refuses_half_way_do_not_stop_the_car() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let limits = GatewayLimits { max_frame_bytes: 50_000, ..GatewayLimits::default() };
    let cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    for seq in 0..300 {
        car.send(0, seq, 0, 400_000, LONG);
        assert_eq!(car.reply(0).status, ReplyStatus::Error, "{seq}");
    }
    car.send(0, 300, 0, 10_000, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    cloud.end();
}

fn dies(_: &Task) -> TaskResult {
    std::panic::panic_any("a worker dies, as the test wants")
}

fn fails(task: &Task) -> TaskResult {
    TaskResult { status: TaskStatus::Error, ..echo(task) }
}

#[test]
fn a_dead_worker_and_a_failed_task_are_errors_and_the_gateway_lives() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    for (work, kills) in [(dies as Work, true), (fails, false)] {
        let mut cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), work);
        let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
        car.wait_connected(true);
        for seq in 0..3 {
            car.send(0, seq, 0, 1_000, LONG);
            assert_eq!(car.reply(0).status, ReplyStatus::Error);
        }
        if kills {
            assert_eq!(
                cloud.wait_event(|event| matches!(event, GatewayEvent::WorkerDied { .. })),
                GatewayEvent::WorkerDied { worker: 0 }
            );
            car.wait("a menu without workers", |car| {
                car.menus.take()?.models.first().filter(|m| m.workers == 0).map(|_| ())
            });
        }
        cloud.end();
    }
}

#[test]
fn the_car_starts_first_outlives_the_cloud_and_finds_it_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let socket = std::net::UdpSocket::bind(localhost()).expect("a port");
    let address = socket.local_addr().expect("its address");
    drop(socket);
    let mut car = CarSide::start(pki.car(), address, IDENTITY, 2);
    car.send(0, 0, 0, 1_000, LONG);
    assert_eq!(car.reply(0).status, ReplyStatus::LinkDown, "nobody is there yet");
    for round in 0..2 {
        let cloud = CloudSide::start(pki.cloud(), address, GatewayLimits::default(), echo);
        car.wait_event(|event| *event == LinkEvent::Connected);
        car.wait_connected(true);
        car.send(1, round, 0, 50_000, LONG);
        assert_eq!((car.reply(1).status, round), (ReplyStatus::Ok, round));
        cloud.end();
        car.wait_event(|event| matches!(event, LinkEvent::Lost { .. }));
        let gone = car.wait_connected(false);
        assert_eq!(gone.rate_bps, 0.0);
        car.send(1, 100, 0, 1_000, LONG);
        assert_eq!(car.reply(1).status, ReplyStatus::LinkDown);
    }
}

#[test]
fn a_second_car_with_the_same_identity_is_refused_with_a_reason_until_the_first_leaves() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let mut first = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    first.wait_connected(true);
    let mut second = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    let LinkEvent::Refused { reason } = second.wait_event(|event| matches!(event, LinkEvent::Refused { .. })) else {
        panic!("the filter lets only refusals through");
    };
    assert!(reason.contains(IDENTITY) && reason.contains("connected already"), "{reason}");
    first.send(0, 1, 0, 1_000, LONG);
    assert_eq!(first.reply(0).status, ReplyStatus::Ok, "the first is not disturbed");
    drop(first);
    second.wait_event(|event| *event == LinkEvent::Connected);
    second.send(0, 2, 0, 1_000, LONG);
    assert_eq!(second.reply(0).status, ReplyStatus::Ok);
    cloud.end();
}

#[test]
fn certificates_of_another_authority_or_role_are_not_accepted() {
    let (dir, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let (pki, stranger) = (pki(dir.path()), pki(other.path()));
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let mut half_strange = stranger.car();
    half_strange.ca = pki.car().ca;
    for tls in [stranger.car(), half_strange, pki.cloud()] {
        let mut car = CarSide::start(tls, cloud.address, IDENTITY, 1);
        car.wait_event(|event| matches!(event, LinkEvent::Failed { .. }));
        assert!(car.estimates.take().is_none_or(|estimate| !estimate.connected));
    }
    let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
    car.wait_connected(true);
    cloud.end();
}

#[test]
fn what_cannot_listen_says_which_address() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let taken = failing_gateway(pki.cloud(), cloud.address);
    assert!(matches!(taken, GatewayError::Listen { listen, .. } if listen == cloud.address), "{taken}");
    cloud.end();
}
