//! Both endpoints across the link emulator: what a scarce uplink does to frames, and what the estimator makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use harness::{CarSide, CloudSide, IDENTITY, echo, localhost, pki};
use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use transport::car::ReplyStatus;
use transport::gateway::GatewayLimits;
use transport::link::{Link, LinkConfig, LinkHandle, Trace};

const TRUTH_BPS: u64 = 10_000_000;
const SERVICES: usize = 3;
const PERIOD: Duration = Duration::from_millis(100);

struct Emulated {
    car: CarSide,
    cloud: Option<CloudSide>,
    link: LinkHandle,
    stop: StopToken,
    thread: Option<std::thread::JoinHandle<()>>,
    next: u64,
    _dir: tempfile::TempDir,
}

/// What became of the frames of a stretch of time.
#[derive(Debug, Default)]
struct Tally {
    offered: u32,
    ok: u32,
    other: u32,
}

impl Emulated {
    /// 10 Mbit/s up, 25 ms each way.
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let pki = pki(dir.path());
        let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
        let mut config = LinkConfig::new(localhost(), cloud.address, Trace::fixed(TRUTH_BPS));
        config.up.delay = Duration::from_millis(25);
        config.down.delay = Duration::from_millis(25);
        let (link, handle) = Link::bind(config).expect("a link");
        let address = link.listen_addr().expect("its address");
        let stop = StopToken::default();
        let link_stop = stop.clone();
        let thread = std::thread::spawn(move || {
            link.run(&link_stop).expect("the link runs");
        });
        let mut car = CarSide::start(pki.car(), address, IDENTITY, SERVICES as u16);
        car.wait_connected(true);
        Self { car, cloud: Some(cloud), link: handle, stop, thread: Some(thread), next: 0, _dir: dir }
    }

    /// Each service sends a frame of `bytes` ten times a second for `time`; every frame is answered exactly once.
    fn drive(&mut self, time: Duration, bytes: usize) -> Tally {
        let mut tally = Tally::default();
        let mut open: Vec<(usize, u64)> = vec![];
        let start = Monotonic::now();
        let rounds = (time.as_millis() / PERIOD.as_millis()) as u32;
        for round in 0..rounds {
            let due = start.plus(PERIOD * round);
            while Monotonic::now() < due {
                let seen = self.car.news.count();
                self.collect(&mut open, &mut tally);
                self.car.news.wait_until(seen, due);
            }
            for lane in 0..SERVICES {
                self.next += 1;
                self.car.send(lane, self.next, 0, bytes, Duration::from_millis(200));
                open.push((lane, self.next));
                tally.offered += 1;
            }
        }
        let end = Monotonic::now().plus(harness::PATIENCE);
        while !open.is_empty() {
            let seen = self.car.news.count();
            self.collect(&mut open, &mut tally);
            assert!(Monotonic::now() < end, "never answered: {open:?}");
            self.car.news.wait_until(seen, Monotonic::now().plus(PERIOD));
        }
        tally
    }

    fn collect(&mut self, open: &mut Vec<(usize, u64)>, tally: &mut Tally) {
        for (lane, ring) in self.car.replies.iter_mut().enumerate() {
            while let Ok(reply) = ring.pop() {
                let place = open.iter().position(|frame| *frame == (lane, reply.seq)).expect("one answer a frame");
                open.swap_remove(place);
                if reply.status == ReplyStatus::Ok { tally.ok += 1 } else { tally.other += 1 }
            }
        }
    }

    fn estimate_bps(&mut self) -> f64 {
        self.car.wait_connected(true).rate_bps
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(cloud) = self.cloud.take()
            && !std::thread::panicking()
        {
            cloud.end();
        }
    }
}

/// Shares and rates here are bounds that a busy machine keeps too; the benchmark measures the real ones.
#[test]
fn a_scarce_uplink_carries_what_it_can_and_its_rate_is_known() {
    let mut link = Emulated::start();
    link.drive(Duration::from_secs(2), 15_000);
    let light = link.drive(Duration::from_secs(3), 15_000);
    let light_estimate = link.estimate_bps();
    eprintln!("0.36 of capacity: {light:?}, estimate {:.2} Mbit/s", light_estimate / 1e6);
    let full = link.drive(Duration::from_secs(4), 31_000);
    let full_estimate = link.estimate_bps();
    eprintln!("0.75 of capacity: {full:?}, estimate {:.2} Mbit/s", full_estimate / 1e6);
    let double = link.drive(Duration::from_secs(4), 83_000);
    let double_estimate = link.estimate_bps();
    eprintln!("twice the capacity: {double:?}, estimate {:.2} Mbit/s", double_estimate / 1e6);
    link.link.set_up_rate(TRUTH_BPS / 4);
    link.drive(Duration::from_millis(800), 31_000);
    let fallen = link.estimate_bps();
    eprintln!("after a fall to a quarter: estimate {:.2} Mbit/s", fallen / 1e6);

    assert!(light.ok * 10 >= light.offered * 8, "{light:?}");
    assert!(full.ok * 10 >= full.offered * 6, "{full:?}");
    assert!(double.ok * 10 >= double.offered, "no livelock: {double:?}");
    let truth = TRUTH_BPS as f64;
    for (name, estimate) in [("light", light_estimate), ("full", full_estimate), ("double", double_estimate)] {
        assert!((0.4..2.0).contains(&(estimate / truth)), "{name}: {estimate}");
    }
    assert!(fallen < 0.6 * truth, "{fallen}");
}

#[test]
fn a_blackout_is_noticed_survived_and_over_when_it_is_over() {
    let mut link = Emulated::start();
    link.drive(Duration::from_secs(1), 15_000);
    let before = link.estimate_bps();
    link.link.set_blackout(true);
    let dark = link.drive(Duration::from_secs(1), 15_000);
    let during = link.car.wait("an estimate", |car| car.estimates.take());
    assert!(during.rate_bps < before / 2.0, "{} of {before}", during.rate_bps);
    assert!(dark.other >= dark.offered - 4, "only what was under way gets through: {dark:?}");
    // Long enough for QUIC to give the connection up.
    link.car.wait_connected(false);
    link.link.set_blackout(false);
    link.car.wait_connected(true);
    let after = link.drive(Duration::from_secs(2), 15_000);
    assert!(after.ok * 2 >= after.offered, "{after:?}");
}
