//! The prototype's discipline: cars that follow it, and what the gateway makes of its long streams and its probe.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use harness::raw::{Driven, RawCar, header, whole};
use harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, pki, wait_ring};
use s2n_quic::stream::BidirectionalStream;
use transport::car::ReplyStatus;
use transport::carrier::{CarrierChoice, Probe};
use transport::certs::TlsFiles;
use transport::gateway::{GatewayEvent, GatewayLimits, Offence};
use transport::wire::frame::{FrameFlags, FrameHeader};
use transport::wire::result::{FrameResult, Status, result_length};

const OTHER: &str = "car/test/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e02";
const FOLLOWED: FrameFlags = FrameFlags { follows: true, probe: false };
const PROBE: FrameFlags = FrameFlags { follows: true, probe: true };

/// A gateway, and a runtime for cars that say what a test wants.
struct Scene {
    cloud: CloudSide,
    runtime: Driven,
    files: TlsFiles,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new(limits: GatewayLimits) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let pki = pki(dir.path());
        let cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
        Self { cloud, runtime: Driven::start(), files: pki.car(), _dir: dir }
    }

    fn raw(&self) -> RawCar {
        self.raw_of(1)
    }

    fn raw_of(&self, number: u16) -> RawCar {
        self.runtime.block_on(RawCar::join(&self.files, self.cloud.address, number))
    }

    fn car(&self, carrier: CarrierChoice, identity: &str, services: u16) -> CarSide {
        let mut car = CarSide::start_on(carrier, self.files.clone(), self.cloud.address, identity, services);
        car.wait_connected(true);
        car
    }

    fn wait_logged(&mut self, word: &str) {
        wait_ring(
            &mut self.cloud.events,
            |event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains(word)),
        );
    }

    /// The stream ends without another result, and what its car did is counted once.
    fn refused(&mut self, stream: &mut BidirectionalStream, offence: Offence, word: &str) {
        assert_eq!(self.runtime.block_on(whole(stream)), None, "{offence:?}");
        self.cloud.wait_stats("the offence", |stats| stats.offences(offence) == 1);
        self.wait_logged(word);
    }

    fn end(self) {
        self.cloud.wait_idle();
        self.cloud.end();
    }
}

/// A frame whose bytes all are `seq`.
fn frame(seq: u64, bytes: u32, flags: FrameFlags) -> Vec<u8> {
    let mut frame = FrameHeader { seq, flags, ..header(bytes) }.encode().to_vec();
    frame.resize(frame.len() + bytes as usize, seq as u8);
    frame
}

async fn results(stream: &mut BidirectionalStream, count: usize) -> Vec<FrameResult> {
    let (mut bytes, mut results) = (Vec::new(), Vec::new());
    while results.len() < count {
        let chunk = tokio::time::timeout(PATIENCE, stream.receive()).await.expect("soon").expect("alive");
        bytes.extend_from_slice(&chunk.expect("more results"));
        while let Some(length) = bytes.first_chunk().map(|prefix| result_length(*prefix).expect("a result"))
            && length <= bytes.len()
        {
            results.push(FrameResult::decode(&bytes.drain(..length).collect::<Vec<_>>()).expect("a result"));
        }
    }
    assert!(bytes.is_empty(), "whole results");
    results
}

fn told(results: &[FrameResult]) -> Vec<(u64, Status, Option<f32>)> {
    results
        .iter()
        .map(|result| (result.seq, result.status, result.detections.first().map(|found| found.x_min)))
        .collect()
}

#[test]
fn a_prototype_car_sends_all_frames_of_a_service_on_one_stream() {
    let scene = Scene::new(GatewayLimits::default());
    let mut car = scene.car(CarrierChoice::Prototype(Probe::None), IDENTITY, 2);
    for seq in 1..=40 {
        for lane in 0..2 {
            car.send(lane, seq, 0, 1_000 + 1_500 * seq as usize, Duration::from_secs(20));
        }
        for lane in 0..2 {
            let reply = car.reply(lane);
            assert_eq!((reply.seq, reply.status), (seq, ReplyStatus::Ok));
            assert_eq!(reply.detections.first().map(|found| found.x_min), Some(seq as f32), "its own payload");
            assert!(reply.uplink_bytes > 1_500 * seq, "{reply:?}");
        }
        assert!(scene.cloud.stats.frames() <= 2, "a stream for each service");
    }
    assert_eq!(scene.cloud.stats.frames(), 2);
    let estimate = car.wait("BBR's window", |car| car.estimates.take().filter(|estimate| !estimate.rtt.is_zero()));
    assert!(estimate.cwnd_bytes > 0);
    car.send(0, 41, 9, 100, Duration::from_secs(20));
    assert_eq!(car.reply(0).status, ReplyStatus::Error, "no such model");
    drop(car);
    scene.end();
}

#[test]
fn turbo_and_the_prototype_are_served_side_by_side() {
    let scene = Scene::new(GatewayLimits::default());
    let mut turbo = scene.car(CarrierChoice::Auto, IDENTITY, 1);
    let mut prototype = scene.car(CarrierChoice::Prototype(Probe::Fill), OTHER, 1);
    for seq in 1..=30 {
        for car in [&mut turbo, &mut prototype] {
            car.send(0, seq, 0, 30_000, Duration::from_secs(20));
        }
        for car in [&mut turbo, &mut prototype] {
            let reply = car.reply(0);
            assert_eq!((reply.seq, reply.status), (seq, ReplyStatus::Ok));
        }
    }
    // The link has room, so that the probe fills it; the cars notice nothing but the time.
    scene.cloud.wait_stats("probes", |stats| stats.probe_bytes() > 0);
    drop((turbo, prototype));
    scene.end();
}

#[test]
fn frames_on_one_stream_are_served_in_order_however_they_are_cut() {
    let scene = Scene::new(GatewayLimits::default());
    let said: Vec<u8> = (1..=6).flat_map(|seq| frame(seq, 40, FrameFlags { follows: seq < 6, probe: false })).collect();
    for (number, size) in (1..).zip([1, 41, 42, 43, 100, 1_000]) {
        let mut raw = scene.raw_of(number);
        let got = scene.runtime.block_on(async {
            let mut stream = raw.connection.open_bidirectional_stream().await.expect("a stream");
            for piece in said.chunks(size) {
                stream.send(piece.to_vec().into()).await.expect("sent");
                // Once the last frame is there, the gateway wants no more and says so.
                let _ = stream.flush().await;
            }
            let got = results(&mut stream, 6).await;
            assert_eq!(stream.receive().await.expect("in good order"), None, "the last frame was the last");
            got
        });
        let mut seqs: Vec<u64> = got.iter().map(|result| result.seq).collect();
        assert!(got.iter().all(|r| matches!(r.status, Status::Ok | Status::Superseded)), "{:?}", told(&got));
        let ok: Vec<_> = told(&got).into_iter().filter(|(_, status, _)| *status == Status::Ok).collect();
        assert!(ok.iter().all(|(seq, _, first)| *first == Some(*seq as f32)), "its own payload: {ok:?}");
        seqs.sort_unstable();
        assert_eq!(seqs, [1, 2, 3, 4, 5, 6], "pieces of {size}");
    }
    scene.end();
}

#[test]
fn a_stream_may_rest_between_frames_and_a_late_frame_is_read_to_its_end() {
    let limits = GatewayLimits { header_time: Duration::from_millis(100), ..GatewayLimits::default() };
    let scene = Scene::new(limits);
    let mut raw = scene.raw();
    let statuses = scene.runtime.block_on(async {
        let mut stream = raw.say(frame(1, 5_000, FOLLOWED)).await;
        let mut got = results(&mut stream, 1).await;
        // Far beyond what a begun frame may rest.
        tokio::time::sleep(Duration::from_millis(900)).await;
        let hurried = FrameHeader { seq: 2, flags: FOLLOWED, budget: Duration::from_millis(150), ..header(5_000) };
        stream.send(hurried.encode().to_vec().into()).await.expect("sent");
        got.extend(results(&mut stream, 1).await);
        // Its bytes come late, and are thrown away; so are those of frames that are not taken.
        stream.send(vec![2; 5_000].into()).await.expect("sent");
        let unknown = FrameHeader { seq: 3, flags: FOLLOWED, model: 9, ..header(5_000) };
        stream.send([unknown.encode().to_vec(), vec![3; 5_000]].concat().into()).await.expect("sent");
        stream.send(frame(1, 5_000, FOLLOWED).into()).await.expect("sent");
        stream.send(frame(4, 5_000, FrameFlags::default()).into()).await.expect("sent");
        got.extend(results(&mut stream, 3).await);
        assert_eq!(stream.receive().await.expect("in good order"), None);
        told(&got)
    });
    let expected = [
        (1, Status::Ok, Some(1.0)),
        (2, Status::Expired, None),
        (3, Status::Error, None),
        (1, Status::Superseded, None),
        (4, Status::Ok, Some(4.0)),
    ];
    assert_eq!(statuses, expected);
    assert_eq!((scene.cloud.stats.trickled(), scene.cloud.stats.offences(Offence::Stalled)), (1, 0));
    scene.end();
}

#[test]
fn a_frame_that_stops_halfway_ends_its_stream_and_no_other() {
    let limits = GatewayLimits { header_time: Duration::from_millis(100), ..GatewayLimits::default() };
    let half_frame = frame(2, 5_000, FOLLOWED)[..2_000].to_vec();
    let half_header = frame(2, 5_000, FOLLOWED)[..20].to_vec();
    for half in [half_frame, half_header] {
        let mut scene = Scene::new(limits);
        let mut raw = scene.raw();
        let (mut stream, mut other) = scene.runtime.block_on(async {
            let mut stream = raw.say(frame(1, 5_000, FOLLOWED)).await;
            results(&mut stream, 1).await;
            let hurried = FrameHeader { budget: Duration::from_millis(200), seq: 2, flags: FOLLOWED, ..header(5_000) };
            let mut half = half.clone();
            let known = half.len().min(42);
            half.splice(..known, hurried.encode().into_iter().take(known));
            stream.send(half.into()).await.expect("sent");
            (stream, raw.say(frame(7, 100, FOLLOWED)).await)
        });
        // Of the half frame the result may still come, that it expired; then the stream is reset.
        scene.refused(&mut stream, Offence::Stalled, "brought nothing for 400 ms");
        scene.cloud.wait_stats("nothing is held", |stats| stats.held_bytes() == 0);
        let served = scene.runtime.block_on(async {
            other.send(frame(8, 100, FrameFlags::default()).into()).await.expect("sent");
            results(&mut other, 2).await
        });
        assert_eq!(told(&served), [(7, Status::Ok, Some(7.0)), (8, Status::Ok, Some(8.0))]);
        scene.end();
    }
}

#[test]
fn a_long_stream_that_breaks_the_protocol_is_refused_for_it() {
    let beyond = [frame(2, 100, FrameFlags::default()), vec![0; 50]].concat();
    let noise = vec![0xff; 400];
    let cases = [
        ("bytes behind the last frame", beyond, false, Offence::Length, "150 bytes came"),
        ("noise behind a frame", noise, false, Offence::Header, "header length"),
        ("an end within a frame", frame(2, 100, FOLLOWED)[..90].to_vec(), true, Offence::Length, "ended after 48"),
        (
            "an end within a header",
            frame(2, 100, FOLLOWED)[..9].to_vec(),
            true,
            Offence::Length,
            "before its frame header",
        ),
    ];
    for (name, then, finish, offence, word) in cases {
        eprintln!("{name}");
        let mut scene = Scene::new(GatewayLimits::default());
        let mut raw = scene.raw();
        let mut stream = scene.runtime.block_on(async {
            let mut stream = raw.say(frame(1, 100, FOLLOWED)).await;
            results(&mut stream, 1).await;
            stream.send(then.into()).await.expect("sent");
            if finish {
                stream.finish().expect("finished");
            }
            stream
        });
        scene.refused(&mut stream, offence, word);
        let result = scene.runtime.block_on(raw.frame(FrameHeader { seq: 9, ..header(100) }));
        assert_eq!((result.seq, result.status), (9, Status::Ok), "after {name}");
        scene.end();
    }
}

#[test]
fn a_connection_has_as_many_long_streams_as_services_and_one_more() {
    let mut scene = Scene::new(GatewayLimits { max_services: 2, ..GatewayLimits::default() });
    let mut raw = scene.raw();
    let (mut kept, mut further) = scene.runtime.block_on(async {
        let mut kept = Vec::new();
        for seq in 1..=3 {
            let mut stream = raw.say(frame(seq, 100, FOLLOWED)).await;
            results(&mut stream, 1).await;
            kept.push(stream);
        }
        (kept, raw.say(frame(4, 100, FOLLOWED)).await)
    });
    scene.refused(&mut further, Offence::Service, "one stream of several frames more than it may");
    // One that ends makes room.
    let served = scene.runtime.block_on(async {
        let mut first = kept.remove(0);
        first.finish().expect("finished");
        assert_eq!(whole(&mut first).await, Some(vec![]));
        results(&mut raw.say(frame(5, 100, FOLLOWED)).await, 1).await
    });
    assert_eq!(told(&served), [(5, Status::Ok, Some(5.0))]);
    drop((kept, raw));
    scene.end();
}

#[test]
fn a_probe_is_counted_paid_for_and_seen_nowhere() {
    let limits = GatewayLimits {
        max_frame_bytes: 100_000,
        max_car_bytes: 100_000,
        max_car_bytes_per_s: 100_000,
        ..GatewayLimits::default()
    };
    let mut scene = Scene::new(limits);
    let mut raw = scene.raw();
    let (mut stream, served) = scene.runtime.block_on(async {
        let mut stream = raw.say(frame(1, 30_000, PROBE)).await;
        stream.send(frame(2, 100, FOLLOWED).into()).await.expect("sent");
        let served = results(&mut stream, 1).await;
        (stream, served)
    });
    assert_eq!(told(&served), [(2, Status::Ok, Some(2.0))], "a probe has no result");
    assert_eq!((scene.cloud.stats.probe_bytes(), scene.cloud.stats.held_bytes()), (30_000, 0));
    let logged = wait_ring(&mut scene.cloud.served, |_| true);
    assert_eq!((logged.seq, scene.cloud.served.pop().is_err()), (2, true), "the probe is in no log");
    // 30,100 of the 100,000 bytes are spent; a second would bring as many again.
    scene.runtime.block_on(async {
        for seq in 3..=6 {
            let _ = stream.send(frame(seq, 90_000, PROBE).into()).await;
        }
    });
    scene.refused(&mut stream, Offence::CarBytes, "more than 100000 bytes a second");
    let mut large = scene.runtime.block_on(raw.say(FrameHeader { flags: PROBE, ..header(100_001) }.encode().to_vec()));
    scene.refused(&mut large, Offence::FrameBytes, "100001");
    assert!(scene.cloud.stats.to_string().contains("bytes of probes thrown away"));
    scene.end();
}
