//! Both carriers across a link that loses packets in both directions: every frame is answered exactly once and gives its
//! payload back, and most of them arrive in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::sync::atomic::Ordering;
use std::time::Duration;

use harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, pki};
use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use transport::car::ReplyStatus;
use transport::carrier::{Carrier, CarrierChoice};
use transport::gateway::GatewayLimits;
use transport::link::{Link, LinkConfig, Trace};

const SERVICES: usize = 3;
const PERIOD: Duration = Duration::from_millis(100);

/// The link, and what is sent over it.
#[derive(Clone, Copy)]
struct Course {
    one_way: Duration,
    loss: f64,
    bytes: usize,
    budget: Duration,
    time: Duration,
}

const USUAL: Course = Course {
    one_way: Duration::from_millis(25),
    loss: 0.01,
    bytes: 31_000,
    budget: Duration::from_millis(200),
    time: Duration::from_secs(4),
};

#[derive(Debug, Default)]
struct Tally {
    offered: u32,
    ok: u32,
    on_time: u32,
}

/// Three services send ten frames a second each over 10 Mbit/s.
fn drive(carrier: CarrierChoice, limits: GatewayLimits, course: Course) -> Tally {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let mut config = LinkConfig::new(localhost(), cloud.address, Trace::fixed(10_000_000));
    for path in [&mut config.up, &mut config.down] {
        path.delay = course.one_way;
        path.loss = course.loss;
    }
    let (link, _handle) = Link::bind(config).expect("a link");
    let address = link.listen_addr().expect("its address");
    let stop = StopToken::default();
    let link_stop = stop.clone();
    let thread = std::thread::spawn(move || {
        link.run(&link_stop).expect("the link runs");
    });
    let mut car = CarSide::start_on(carrier, pki.car(), address, IDENTITY, SERVICES as u16);
    car.wait_connected(true);

    let (mut tally, mut open, mut seq) = (Tally::default(), Vec::new(), 0_u64);
    let start = Monotonic::now();
    for round in 0..(course.time.as_millis() / PERIOD.as_millis()) as u32 {
        let due = start.plus(PERIOD * round);
        while Monotonic::now() < due {
            let seen = car.news.count();
            collect(&mut car, &mut open, &mut tally);
            car.news.wait_until(seen, due);
        }
        for lane in 0..SERVICES {
            seq += 1;
            car.send(lane, seq, 0, course.bytes, course.budget);
            open.push((lane, seq, Monotonic::now().plus(course.budget)));
            tally.offered += 1;
        }
    }
    let end = Monotonic::now().plus(PATIENCE);
    while !open.is_empty() {
        let seen = car.news.count();
        collect(&mut car, &mut open, &mut tally);
        assert!(Monotonic::now() < end, "never answered: {open:?}");
        car.news.wait_until(seen, Monotonic::now().plus(PERIOD));
    }
    let out = std::sync::Arc::clone(&car.out);
    car.wait("all payloads back", |_| (out.load(Ordering::SeqCst) == 0).then_some(()));
    drop(car);
    cloud.end();
    stop.set();
    thread.join().expect("the link ends without a panic");
    tally
}

fn collect(car: &mut CarSide, open: &mut Vec<(usize, u64, Monotonic)>, tally: &mut Tally) {
    for (lane, ring) in car.replies.iter_mut().enumerate() {
        while let Ok(reply) = ring.pop() {
            let place =
                open.iter().position(|frame| (frame.0, frame.1) == (lane, reply.seq)).expect("one answer a frame");
            let (.., deadline) = open.swap_remove(place);
            if reply.status == ReplyStatus::Ok {
                tally.ok += 1;
                tally.on_time += u32::from(reply.received_at <= deadline);
                let found = reply.detections.first().expect("a box");
                assert_eq!(found.x_min, f32::from(reply.seq as u8), "its own payload");
            }
        }
    }
}

const CARRIERS: [CarrierChoice; 3] =
    [CarrierChoice::Pinned(Carrier::Stream), CarrierChoice::Pinned(Carrier::Datagram), CarrierChoice::Auto];

/// Shares are bounds that a busy machine keeps too; the benchmark measures the real ones.
#[test]
fn over_a_lossy_link_every_carrier_answers_every_frame_once_and_most_in_time() {
    for carrier in CARRIERS {
        let tally = drive(carrier, GatewayLimits::default(), USUAL);
        eprintln!("{carrier:?}: {tally:?}");
        assert!(tally.on_time * 10 >= tally.offered * 6, "{carrier:?}: {tally:?}");
    }
}

#[test]
fn a_tenth_of_all_packets_lost_stops_no_carrier() {
    let course = Course { loss: 0.1, bytes: 10_000, budget: Duration::from_millis(500), ..USUAL };
    for carrier in CARRIERS {
        let tally = drive(carrier, GatewayLimits::default(), course);
        eprintln!("{carrier:?}: {tally:?}");
        assert!(tally.on_time * 10 >= tally.offered * 4, "{carrier:?}: {tally:?}");
    }
}

#[test]
fn on_a_long_round_trip_repair_takes_the_place_of_sending_again() {
    let course = Course { one_way: Duration::from_millis(60), bytes: 15_000, ..USUAL };
    for carrier in CARRIERS {
        let tally = drive(carrier, GatewayLimits::default(), course);
        eprintln!("{carrier:?}: {tally:?}");
        assert!(tally.on_time * 10 >= tally.offered * 5, "{carrier:?}: {tally:?}");
    }
}

#[test]
fn twice_the_capacity_lets_half_of_the_frames_through() {
    let course = Course { bytes: 83_000, ..USUAL };
    for carrier in CARRIERS {
        let tally = drive(carrier, GatewayLimits::default(), course);
        eprintln!("{carrier:?}: {tally:?}");
        assert!(tally.on_time * 10 >= tally.offered, "{carrier:?}: {tally:?}");
    }
}

#[test]
fn a_gateway_that_takes_no_datagrams_is_served_by_streams() {
    let limits = GatewayLimits { max_reassembling: 0, ..GatewayLimits::default() };
    let course = Course { loss: 0.0, time: Duration::from_secs(1), ..USUAL };
    let tally = drive(CarrierChoice::Pinned(Carrier::Datagram), limits, course);
    assert!(tally.ok * 10 >= tally.offered * 6, "{tally:?}");
}
