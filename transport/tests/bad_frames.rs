//! A car whose frames are wrong: each is refused, counted and logged, others notice nothing, nothing stays behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use harness::raw::{Driven, RawCar, header, whole};
use harness::{CarSide, CloudSide, IDENTITY, echo, localhost, pki, wait_ring};
use rt_core::clock::Monotonic;
use transport::car::ReplyStatus;
use transport::certs::TlsFiles;
use transport::gateway::worker::{Task, TaskResult, TaskStatus};
use transport::gateway::{GatewayEvent, GatewayLimits, Offence, SEQUENCE_WINDOW};
use transport::wire::frame::FrameHeader;
use transport::wire::result::{FrameResult, Status};

/// A gateway, a car that behaves, and a runtime for those that do not.
struct Scene {
    cloud: CloudSide,
    car: CarSide,
    runtime: Driven,
    files: TlsFiles,
    seq: u64,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new(limits: GatewayLimits) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let pki = pki(dir.path());
        let cloud = CloudSide::start(pki.cloud(), localhost(), limits, checks_first_byte);
        let mut car = CarSide::start(pki.car(), cloud.address, IDENTITY, 1);
        car.wait_connected(true);
        Self { cloud, car, runtime: Driven::start(), files: pki.car(), seq: 1, _dir: dir }
    }

    fn raw(&self, number: u16) -> RawCar {
        self.runtime.block_on(RawCar::join(&self.files, self.cloud.address, number))
    }

    /// The well-behaved car gets its answer.
    fn others_are_served(&mut self) {
        self.seq += 256;
        self.car.send(0, self.seq, 0, 20_000, Duration::from_secs(20));
        assert_eq!(self.car.reply(0).status, ReplyStatus::Ok);
    }

    fn wait_logged(&mut self, word: &str) {
        wait_ring(
            &mut self.cloud.events,
            |event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains(word)),
        );
    }

    fn end(self) {
        self.cloud.wait_idle();
        drop(self.car);
        self.cloud.end();
    }
}

/// Cannot decode what begins with a byte of ones.
fn checks_first_byte(task: &Task) -> TaskResult {
    let status = if task.payload.first() == Some(&0xff) { TaskStatus::Error } else { TaskStatus::Ok };
    TaskResult { status, ..echo(task) }
}

fn with_payload(header: &FrameHeader, bytes: usize) -> Vec<u8> {
    let mut frame = header.encode().to_vec();
    frame.resize(frame.len() + bytes, 0);
    frame
}

fn changed(at: usize, put: &[u8]) -> Vec<u8> {
    let mut bytes = with_payload(&header(100), 100);
    bytes.splice(at..at + put.len(), put.iter().copied());
    bytes
}

/// Its name, its bytes, whether the stream is finished after them, the answer, and what is counted and logged.
type Case = (&'static str, Vec<u8>, bool, Option<Status>, Offence, &'static str);

#[test]
fn each_wrong_frame_is_refused_for_what_is_wrong_with_it() {
    let limits = GatewayLimits {
        max_frame_bytes: 100_000,
        max_car_bytes: 50_000,
        header_time: Duration::from_millis(400),
        ..GatewayLimits::default()
    };
    let mut scene = Scene::new(limits);
    let cut = header(100).encode()[..20].to_vec();
    let cases: [Case; 17] = [
        ("noise", vec![0xff; 400], false, None, Offence::Header, "header length"),
        ("a header length of nothing", vec![0; 400], false, None, Offence::Header, "header length"),
        ("a budget beyond a minute", changed(12, &[0xff; 4]), false, None, Offence::Header, "budget"),
        ("an unknown kind", changed(18, &[7]), false, None, Offence::Header, "payload kind"),
        ("an unknown coding", changed(19, &[7]), false, None, Offence::Header, "image coding"),
        ("a raw input of another length", changed(18, &[0, 0]), false, None, Offence::Header, "raw input"),
        ("an image without a width", changed(22, &[0, 0]), false, None, Offence::Header, "payload width"),
        ("a payload of nothing", changed(30, &[0; 4]), false, None, Offence::Header, "payload length"),
        ("a payload beyond the protocol", changed(30, &[0xff; 4]), false, None, Offence::Header, "payload length"),
        ("a cut header", cut.clone(), true, None, Offence::Length, "before its frame header"),
        ("no header", vec![], true, None, Offence::Length, "before its frame header"),
        ("a slow header", cut, false, None, Offence::HeaderTime, "within 400 ms"),
        ("too few bytes", with_payload(&header(100), 50), true, None, Offence::Length, "ended after 50"),
        ("too many bytes", with_payload(&header(100), 150), false, None, Offence::Length, "150 bytes came"),
        (
            "a frame too large",
            with_payload(&header(100_001), 9),
            false,
            Some(Status::Error),
            Offence::FrameBytes,
            "100001",
        ),
        (
            "a frame beyond its share",
            with_payload(&header(60_000), 9),
            false,
            Some(Status::Overload),
            Offence::CarBytes,
            "would be more than",
        ),
        ("an unknown model", changed(16, &[9, 0]), false, Some(Status::Error), Offence::Model, "model 9"),
    ];
    for (number, (name, bytes, finish, status, offence, word)) in (1..).zip(cases) {
        let mut raw = scene.raw(number);
        let before = scene.cloud.stats.offences(offence);
        let answer = scene.runtime.block_on(raw.answer_to(bytes, finish));
        let seen = answer.filter(|answer| !answer.is_empty()).map(|answer| {
            let result = FrameResult::decode(&answer).expect(name);
            (result.seq, result.status)
        });
        assert_eq!(seen, status.map(|status| (7, status)), "{name}");
        scene.cloud.wait_stats(name, |stats| stats.offences(offence) == before + 1);
        scene.wait_logged(word);
        // The stream, not the car, is what was wrong.
        let result = scene.runtime.block_on(raw.frame(FrameHeader { seq: 8, ..header(100) }));
        assert_eq!((result.seq, result.status), (8, Status::Ok), "after {name}");
        scene.others_are_served();
    }
    let counted: u64 = Offence::ALL.iter().map(|offence| scene.cloud.stats.offences(*offence)).sum();
    assert_eq!(counted, 17, "each once: {}", scene.cloud.stats);
    scene.end();
}

#[test]
fn one_service_too_many_is_refused_and_the_others_go_on() {
    let mut scene = Scene::new(GatewayLimits { max_services: 2, ..GatewayLimits::default() });
    let mut raw = scene.raw(1);
    let runtime = &scene.runtime;
    let mut frame = |service, seq| runtime.block_on(raw.frame(FrameHeader { service, seq, ..header(50) })).status;
    assert_eq!([frame(1, 1), frame(9, 1)], [Status::Ok; 2]);
    assert_eq!([frame(3, 1), frame(4, 1)], [Status::Overload; 2]);
    assert_eq!([frame(1, 2), frame(9, 2), frame(3, 2)], [Status::Ok, Status::Ok, Status::Overload]);
    assert_eq!(scene.cloud.stats.offences(Offence::Service), 3);
    scene.wait_logged("2 services are allowed");
    scene.others_are_served();
    scene.end();
}

#[test]
fn repeated_and_ancient_numbers_are_superseded_and_overtaken_ones_are_not() {
    let mut scene = Scene::new(GatewayLimits::default());
    let mut raw = scene.raw(1);
    let runtime = &scene.runtime;
    let mut frame = |seq| runtime.block_on(raw.frame(FrameHeader { seq, ..header(50) })).status;
    let window = u64::from(SEQUENCE_WINDOW);
    let expected = [
        (1_000, Status::Ok),
        (1_000, Status::Superseded),
        (999, Status::Ok),
        (999, Status::Superseded),
        (1_000 - window, Status::Superseded),
        (1_001 - window, Status::Ok),
        (1, Status::Superseded),
        (1_001, Status::Ok),
        (u64::MAX, Status::Ok),
        (1_002, Status::Superseded),
    ];
    for (seq, status) in expected {
        assert_eq!(frame(seq), status, "{seq}");
    }
    assert_eq!(scene.cloud.stats.offences(Offence::Sequence), 5);
    scene.wait_logged("frame 1000 of service 1 again");
    scene.others_are_served();
    scene.end();
}

#[test]
fn a_body_that_trickles_is_dropped_at_its_deadline_with_all_its_bytes() {
    let mut scene = Scene::new(GatewayLimits::default());
    let mut raw = scene.raw(1);
    let trickling = 20_u16;
    let frame = |service| FrameHeader { service, budget: Duration::from_millis(2_500), ..header(1_000_000) };
    let mut streams: Vec<_> =
        (0..trickling).map(|service| scene.runtime.block_on(raw.say(with_payload(&frame(service), 10_000)))).collect();
    scene.cloud.wait_stats("all of them held", |stats| stats.held_bytes() == 1_000_000 * u64::from(trickling));
    scene.others_are_served();
    for stream in &mut streams {
        let answer = scene.runtime.block_on(async {
            // A byte now and then, until the gateway has had enough.
            while stream.send(vec![0].into()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            whole(stream).await.expect("a result")
        });
        let result = FrameResult::decode(&answer).expect("a result");
        assert_eq!(result.status, Status::Expired);
        let stamps = result.stamps;
        assert!(
            stamps.header_received_ns <= stamps.last_received_ns && stamps.last_received_ns <= stamps.result_sent_ns
        );
    }
    assert_eq!(scene.cloud.stats.trickled(), u64::from(trickling));
    scene.cloud.wait_idle();
    scene.others_are_served();
    scene.end();
}

#[test]
fn a_flood_of_resets_leaves_nothing_behind_and_delays_nobody_for_long() {
    const FLOOD: u64 = 3_000;
    let mut scene = Scene::new(GatewayLimits::default());
    let mut raw = scene.raw(1);
    for round in 0..10 {
        scene.runtime.block_on(async {
            for seq in 0..FLOOD / 10 {
                let mut stream = raw.connection.open_bidirectional_stream().await.expect("a stream");
                let header = FrameHeader { seq: round * FLOOD + seq, ..header(500_000) };
                stream.send(with_payload(&header, 1_000).into()).await.expect("sent");
                stream.reset(1_u32.into()).expect("reset");
            }
        });
        scene.others_are_served();
    }
    // Driven on, so that the last of them leave the flooding car.
    let last = FrameHeader { seq: u64::MAX, ..header(100) };
    assert_eq!(scene.runtime.block_on(raw.frame(last)).status, Status::Ok);
    scene.cloud.wait_idle();
    let (resets, broken) = (scene.cloud.stats.resets(), scene.cloud.stats.offences(Offence::Length));
    assert!(resets > 0 && resets <= FLOOD && broken == 0, "{resets} seen, {broken} taken for broken");
    scene.end();
}

#[test]
fn who_breaks_the_protocol_again_and_again_is_cut_off_and_may_come_back() {
    let mut scene = Scene::new(GatewayLimits { max_violations: 20, ..GatewayLimits::default() });
    let mut raw = scene.raw(1);
    let sent = scene.runtime.block_on(async {
        let mut sent = 0;
        while let Ok(mut stream) = raw.connection.open_bidirectional_stream().await {
            let _ = stream.send(vec![0xff; 100].into()).await;
            let _ = whole(&mut stream).await;
            sent += 1;
        }
        sent
    });
    assert_eq!(sent, 20);
    scene.wait_logged("is cut off");
    scene.others_are_served();
    drop(raw);
    wait_ring(&mut scene.cloud.events, |event| matches!(event, GatewayEvent::Left { .. }));
    let mut again = scene.raw(1);
    assert_eq!(scene.runtime.block_on(again.frame(header(100))).status, Status::Ok);
    assert_eq!(scene.cloud.stats.events_lost(), 0);
    scene.end();
}

#[test]
fn a_minute_of_pings_at_once_is_heard_and_a_flood_of_them_is_cut_off() {
    let mut scene = Scene::new(GatewayLimits::default());
    let ping = transport::wire::control::ControlMessage::Ping.encode();
    let mut rested = scene.raw(1);
    scene.runtime.block_on(rested.control(ping.repeat(600)));
    assert_eq!(scene.runtime.block_on(rested.frame(header(100))).status, Status::Ok);
    assert_eq!(scene.cloud.stats.offences(Offence::Pings), 0);
    let mut flooding = scene.raw(2);
    scene.runtime.block_on(flooding.control(ping.repeat(20_000)));
    scene.wait_logged("is cut off");
    assert!(scene.cloud.stats.offences(Offence::Pings) >= 256);
    scene.others_are_served();
    scene.end();
}

#[test]
fn absurd_send_times_come_back_as_they_were_and_no_budget_is_no_time() {
    let mut scene = Scene::new(GatewayLimits::default());
    let mut raw = scene.raw(1);
    for (seq, sent_ns) in [(1, 0), (2, 1), (3, u64::MAX)] {
        let result = scene.runtime.block_on(raw.frame(FrameHeader { seq, sent_ns, ..header(100) }));
        assert_eq!((result.status, result.stamps.car_sent_ns), (Status::Ok, sent_ns));
        assert!(result.stamps.result_sent_ns <= Monotonic::now().as_ns(), "the cloud's own clock, which is ours here");
    }
    let hurried = FrameHeader { seq: 4, budget: Duration::ZERO, ..header(100) };
    assert_eq!(scene.runtime.block_on(raw.frame(hurried)).status, Status::Expired);
    scene.others_are_served();
    scene.end();
}

#[test]
fn an_image_that_cannot_be_decoded_is_an_error_of_its_own() {
    let mut scene = Scene::new(GatewayLimits::default());
    let mut raw = scene.raw(1);
    let mut frame = header(100).encode().to_vec();
    frame.resize(frame.len() + 100, 0xff);
    let answer = scene.runtime.block_on(raw.answer_to(frame, false)).expect("a result");
    assert_eq!(FrameResult::decode(&answer).expect("a result").status, Status::Error);
    assert_eq!(scene.runtime.block_on(raw.frame(FrameHeader { seq: 8, ..header(100) })).status, Status::Ok);
    scene.others_are_served();
    scene.end();
}
