//! Runs small enough to follow by hand, and what holds for any run.

use std::time::Duration;

use proptest::prelude::*;

use super::{Acknowledged, Discipline, Estimator, Frames, Outcome, Scenario, Service, Uplink, clairvoyant, run};
use crate::choice::{Choice, Costs};
use crate::menu::Menu;
use crate::policy::PolicyName;
use crate::problem::Demand;

/// A link of one rate, or of two in turn for a second each.
struct Steps(f64, f64);

impl Uplink for Steps {
    fn bits_by(&self, since_start: Duration) -> u64 {
        let seconds = since_start.as_secs_f64();
        let (pairs, rest) = ((seconds / 2.0).floor(), seconds % 2.0);
        (pairs * (self.0 + self.1) + rest.min(1.0) * self.0 + (rest - 1.0).max(0.0) * self.1) as u64
    }

    fn instant_of_bit(&self, bits: u64) -> Option<Duration> {
        let (mut low, mut high) = (Duration::ZERO, Duration::from_secs(1_000_000));
        if self.bits_by(high) < bits {
            return None;
        }
        while high - low > Duration::from_nanos(1) {
            let middle = low + (high - low) / 2;
            if self.bits_by(middle) >= bits { high = middle } else { low = middle }
        }
        Some(high)
    }
}

/// Believes in one rate, whatever happens.
struct Sure(f64);

impl Estimator for Sure {
    fn sent(&mut self, _: Duration) {}
    fn acknowledged(&mut self, _: Duration, _: Acknowledged) {}
    fn passed(&mut self, _: Duration, _: u64, _: Duration) {}
    fn train(&mut self, _: Duration, _: f64, _: u32) {}
    fn late(&mut self, _: Duration, _: u64, _: Duration) {}
    fn rate_bps(&self, _: Duration) -> f64 {
        self.0
    }
    fn low_rate_bps(&self, _: Duration) -> f64 {
        self.0
    }
    fn ack_rate_bps(&self) -> Option<f64> {
        None
    }
    fn silence(&self, _: Duration) -> Duration {
        Duration::ZERO
    }
    fn is_measured(&self, _: Duration) -> bool {
        false
    }
}

const CONFIG: &str = "a-imgcompNone-inpcomp50";

/// Payload in Mbit and accuracy of each choice; 50 ms of execution, 10 ms of encoding, all with little spread.
fn service(choices: &[(f64, f64)]) -> Service {
    let names = ["a", "b", "c", "d"];
    let choices = choices.iter().zip(names).map(|(&(megabit, accuracy), name)| {
        let bits = megabit * 1e6;
        let costs = Costs { payload_bits: bits, mean_bits: bits, encode_s: 0.01, execution_s: 0.05 };
        Choice::new(format!("{name}-imgcompNone-inpcomp50").parse().unwrap(), costs, accuracy).unwrap()
    });
    let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.01, floor_accuracy: 0.4 };
    Service { demand, menu: Menu::new(choices.collect()).unwrap() }
}

fn scenario(services: Vec<Service>) -> Scenario {
    Scenario::new(services, Duration::from_millis(40), 0.0, 3).unwrap()
}

fn simulate(scenario: &Scenario, policy: &str, link: &Steps, believed: f64) -> Outcome {
    let frames = Frames::draw(scenario, Duration::from_secs(20));
    let (services, choices) = (scenario.services().len(), scenario.most_choices());
    let mut policy = policy.parse::<PolicyName>().unwrap().build(services, choices, 0.005).unwrap();
    run(scenario, &frames, link, &mut Sure(believed), policy.as_mut()).unwrap()
}

#[test]
fn a_frame_is_in_time_exactly_where_the_link_carries_it_in_what_is_left() {
    // 200 ms less 10 margin, 10 encoding, 50 execution, about 44 round trip leave about 86 ms for 1.04 Mbit: 12 Mbit/s.
    let scenario = scenario(vec![service(&[(1.0, 0.6)])]);
    let policy = format!("fixed:{CONFIG}");
    let plenty = simulate(&scenario, &policy, &Steps(30e6, 30e6), 30e6);
    assert_eq!((plenty.frames, plenty.sent, plenty.in_time), (100, 100, 100));
    assert!((plenty.utility - 0.6).abs() < 1e-12 && plenty.on_time() == 1.0);
    let some = simulate(&scenario, &policy, &Steps(12e6, 12e6), 30e6);
    assert!(some.in_time > 10 && some.in_time < 95, "{some:?}");
    let none = simulate(&scenario, &policy, &Steps(6e6, 6e6), 30e6);
    assert_eq!((none.in_time, none.on_time()), (0, 0.0));
    assert!((none.utility - 0.4).abs() < 1e-12 && (none.on_vehicle_utility - 0.4).abs() < 1e-12);
}

#[test]
fn a_dead_link_costs_nothing_but_the_cloud() {
    let scenario = scenario(vec![service(&[(1.0, 0.6)]), service(&[(1.0, 0.6)])]);
    for policy in ["turbo", "prototype", "equal-split", "on-vehicle", &format!("fixed:{CONFIG}")] {
        let outcome = simulate(&scenario, policy, &Steps(0.0, 0.0), 30e6);
        assert_eq!((outcome.frames, outcome.in_time), (200, 0), "{policy}");
        assert!((outcome.utility - 0.4).abs() < 1e-12, "{policy}");
    }
    let frames = Frames::draw(&scenario, Duration::from_secs(20));
    assert!((clairvoyant(&scenario, &frames, &Steps(0.0, 0.0)).utility - 0.4).abs() < 1e-12);
}

#[test]
fn on_vehicle_sends_nothing_and_others_try_a_link_that_seems_too_slow() {
    let scenario = scenario(vec![service(&[(1.0, 0.6)])]);
    let quiet = simulate(&scenario, "on-vehicle", &Steps(30e6, 30e6), 0.0);
    assert_eq!((quiet.sent, quiet.on_time(), quiet.utility), (0, 1.0, quiet.on_vehicle_utility));
    // 11 Mbit/s are too few to plan with, but a quarter more is what the stack sends at, which makes a frame in time.
    let probing = simulate(&scenario, "equal-split", &Steps(30e6, 30e6), 11e6);
    assert_eq!(probing.sent, 0);
    assert!(probing.utility > 0.4, "{probing:?}");
    // What has no rate of its own goes all the same, and every frame instead of one in three.
    let lent = simulate(&scenario, "turbo", &Steps(30e6, 30e6), 11e6);
    assert!(lent.sent == 100 && lent.in_time > 50 && lent.utility > probing.utility, "{lent:?}");
}

#[test]
fn one_worker_serves_fewer_cars_cameras_than_one_for_each() {
    let three = || vec![service(&[(0.2, 0.6)]), service(&[(0.2, 0.6)]), service(&[(0.2, 0.6)])];
    let policy = format!("fixed:{CONFIG}");
    let free = simulate(&scenario(three()), &policy, &Steps(50e6, 50e6), 50e6);
    let one = simulate(&scenario(three()).with_workers(1).unwrap(), &policy, &Steps(50e6, 50e6), 50e6);
    // Three executions of 50 ms one after another: the third is late, as 64 ms are gone before the first begins.
    assert_eq!(free.on_time(), 1.0);
    assert!(one.on_time() > 0.6 && one.on_time() < 0.7, "{}", one.on_time());
}

#[test]
fn loss_and_a_late_order_of_sending_cost_frames() {
    let two = || vec![service(&[(0.8, 0.6)]), service(&[(0.8, 0.6)])];
    let policy = format!("fixed:{CONFIG}");
    let link = Steps(26e6, 26e6);
    let clean = simulate(&scenario(two()), &policy, &link, 26e6);
    let lossy = Scenario::new(two(), Duration::from_millis(40), 0.05, 3).unwrap();
    let lossy = simulate(&lossy, &policy, &link, 26e6);
    assert!(lossy.in_time * 10 < clean.in_time * 9, "{} {}", lossy.in_time, clean.in_time);
    // At a third of what both need the gate gives one up for the other; in order of readiness both are late.
    let tight = Steps(10e6, 10e6);
    let gated = simulate(&scenario(two()), &policy, &tight, 10e6);
    let fifo = simulate(&scenario(two()).with_discipline(Discipline::Fifo), &policy, &tight, 10e6);
    assert!(fifo.in_time <= gated.in_time, "{} {}", fifo.in_time, gated.in_time);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |services: Vec<Service>, loss: f64| {
        Scenario::new(services, Duration::from_millis(40), loss, 3).unwrap_err().to_string()
    };
    assert!(refused(vec![], 0.0).contains("no service"));
    assert!(refused(vec![service(&[(1.0, 0.6)])], f64::NAN).contains("NaN"));
    assert!(refused(vec![service(&[(1.0, 0.6)])], 1.0).contains("arrive"));
    assert!(scenario(vec![service(&[(1.0, 0.6)])]).with_workers(0).is_err());
}

fn any_services() -> impl Strategy<Value = Vec<Service>> {
    let choices = prop::collection::vec((0.05..3.0f64, 0.3..0.9f64), 1..4);
    prop::collection::vec(choices.prop_map(|choices| service(&choices)), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_beats_the_clairvoyant_and_equal_seeds_give_equal_runs(
        services in any_services(),
        fast in 1e6..5e7f64,
        slow in 0.0..2e7f64,
        believed in 1e6..5e7f64,
        loss in prop_oneof![Just(0.0), 0.0..0.05f64],
        staggered in any::<bool>(),
    ) {
        let scenario = Scenario::new(services, Duration::from_millis(40), loss, 11).unwrap();
        let scenario = if staggered { scenario.staggered() } else { scenario };
        let link = Steps(fast, slow);
        let frames = Frames::draw(&scenario, Duration::from_secs(20));
        let best = clairvoyant(&scenario, &frames, &link);
        prop_assert!(best.utility >= best.on_vehicle_utility - 1e-9);
        for policy in ["turbo", "prototype", "equal-split", &format!("fixed:{CONFIG}")] {
            let outcome = simulate(&scenario, policy, &link, believed);
            prop_assert!(outcome.utility <= best.utility + 1e-9, "{policy}: {} > {}", outcome.utility, best.utility);
            prop_assert_eq!(&outcome, &simulate(&scenario, policy, &link, believed));
            prop_assert_eq!(outcome.frames, best.frames);
            prop_assert!(outcome.in_time <= outcome.sent && outcome.sent <= outcome.frames);
        }
    }
}
