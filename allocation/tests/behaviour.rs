//! Switching, limits and the policies without search, on instances small enough to follow by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use std::time::Duration;

use allocation::allocation::{Allocation, ServiceAllocation};
use allocation::choice::{Choice, Costs};
use allocation::menu::Menu;
use allocation::policy::{Lesson, ParsePolicyError, PolicyName};
use allocation::problem::{Capacity, Demand, ServiceProblem};
use allocation::solver::{SolveError, Solver};

/// Needs `megabit` × 10 Mbit/s at a round trip of 50 ms, and 0.25 s/s of the cloud.
fn choice(name: &str, megabit: f64, accuracy: f64) -> Choice {
    let costs = Costs { payload_bits: megabit * 1e6, mean_bits: megabit * 1e6, encode_s: 0.0, execution_s: 0.05 };
    Choice::new(format!("{name}-imgcompNone-inpcomp50").parse().unwrap(), costs, accuracy).unwrap()
}

fn service(choices: Vec<Choice>) -> ServiceProblem {
    let demand = Demand { weight: 1.0, slo_s: 0.201, fps: 5.0, margin_s: 0.001, floor_accuracy: 0.3 };
    ServiceProblem::new(demand, Menu::new(choices).unwrap()).unwrap()
}

fn megabit_per_s(rate: f64) -> Capacity {
    Capacity::new(rate * 1e6, 0.05).unwrap()
}

fn choices(allocation: &Allocation) -> Vec<Option<usize>> {
    allocation.services().iter().map(|answer| answer.choice).collect()
}

#[test]
fn upward_waits_for_a_gain_and_downward_does_not() {
    let services = [service(vec![choice("a", 1.0, 0.40), choice("b", 2.0, 0.41), choice("c", 3.0, 0.50)])];
    let mut solver = Solver::new(1, 3).with_hysteresis(0.02).unwrap();
    let mut allocation = Allocation::default();
    let mut at = |rate: f64| {
        solver.solve(&services, &megabit_per_s(rate), &mut allocation).unwrap();
        choices(&allocation)[0]
    };
    assert_eq!(at(11.0), Some(0), "from nothing in force there is nothing to switch");
    assert_eq!(at(25.0), Some(0), "0.01 is not worth a switch");
    assert_eq!(at(35.0), Some(2), "0.10 is");
    assert_eq!(at(25.0), Some(1), "a fall in capacity acts at once");
    assert_eq!(at(15.0), Some(0));
    assert_eq!(at(5.0), None);
    assert_eq!(at(0.0), None);
    assert_eq!(at(25.0), Some(1), "0.11 over the on-vehicle detector is worth a switch");
}

#[test]
fn what_is_left_is_divided_by_need() {
    let services = [service(vec![choice("a", 1.0, 0.4)]), service(vec![choice("a", 2.0, 0.4)])];
    let mut allocation = Allocation::default();
    Solver::new(2, 1).solve(&services, &megabit_per_s(60.0), &mut allocation).unwrap();
    let rates: Vec<f64> = allocation.services().iter().map(|answer| (answer.rate_bps / 1e6).round()).collect();
    assert_eq!(rates, [20.0, 40.0]);
    assert!((allocation.expected_utility() - 0.8).abs() < 1e-9);
    assert!((allocation.on_vehicle_utility() - 0.6).abs() < 1e-9);
}

#[test]
fn the_cloud_is_a_second_limit() {
    let services = [service(vec![choice("a", 1.0, 0.4)]), service(vec![choice("a", 1.0, 0.5)])];
    let mut allocation = Allocation::default();
    for (cloud, expected) in [(1.0, [Some(0), Some(0)]), (0.3, [None, Some(0)]), (0.2, [None, None])] {
        let capacity = megabit_per_s(100.0).with_cloud(cloud).unwrap();
        allocation.clear();
        Solver::new(2, 1).solve(&services, &capacity, &mut allocation).unwrap();
        assert_eq!(choices(&allocation), expected, "{cloud} s/s");
    }
}

#[test]
fn a_sustained_rate_counts_beside_the_single_frame() {
    // 1 Mbit in 100 ms needs 10 Mbit/s, but 20 such frames a second need 20.
    let fast = Demand { fps: 20.0, ..service(vec![choice("a", 1.0, 0.4)]).demand() };
    let services = [ServiceProblem::new(fast, Menu::new(vec![choice("a", 1.0, 0.4)]).unwrap()).unwrap()];
    let mut allocation = Allocation::default();
    for (rate, expected) in [(19.0, None), (20.5, Some(0))] {
        Solver::new(1, 1).solve(&services, &megabit_per_s(rate), &mut allocation).unwrap();
        assert_eq!(choices(&allocation), [expected], "{rate} Mbit/s");
    }
}

#[test]
fn a_problem_too_large_is_refused_and_the_allocation_stays() {
    let services = [service(vec![choice("a", 1.0, 0.4)]), service(vec![choice("a", 1.0, 0.4), choice("b", 1.0, 0.4)])];
    let mut allocation = Allocation::default();
    Solver::new(2, 2).solve(&services, &megabit_per_s(50.0), &mut allocation).unwrap();
    let before = allocation.clone();
    let too_many = Solver::new(1, 2).solve(&services, &megabit_per_s(50.0), &mut allocation).unwrap_err();
    assert_eq!(too_many, SolveError::TooManyServices { got: 2, max: 1 });
    let too_long = Solver::new(2, 1).solve(&services, &megabit_per_s(50.0), &mut allocation).unwrap_err();
    assert_eq!(too_long.to_string(), "service 2 has 2 choices; this solver was made for at most 1");
    assert_eq!(allocation, before);
}

#[test]
fn nothing_to_decide_is_decided() {
    let mut allocation = Allocation::default();
    Solver::new(0, 0).solve(&[], &megabit_per_s(50.0), &mut allocation).unwrap();
    assert_eq!(allocation.services(), []);
    let alone = ServiceProblem::new(service(vec![choice("a", 1.0, 0.4)]).demand(), Menu::on_vehicle_only()).unwrap();
    Solver::new(1, 0).solve(&[alone], &megabit_per_s(50.0), &mut allocation).unwrap();
    assert_eq!(choices(&allocation), [None]);
    assert!(allocation.is_optimal());
}

#[test]
fn the_policies_without_search_do_what_they_say() {
    let services = [
        service(vec![choice("a", 1.0, 0.42), choice("b", 2.0, 0.5)]),
        service(vec![choice("b", 2.0, 0.2), choice("a", 1.0, 0.42)]),
        service(vec![choice("c", 4.0, 0.6)]),
    ];
    let at = |rate: f64, name: &str| {
        let name: PolicyName = name.parse().unwrap();
        name.check(&services).unwrap();
        let mut policy = name.build(3, 2, 0.0).unwrap();
        assert!(name.to_string().starts_with(policy.name()));
        let mut allocation = Allocation::default();
        policy.allocate(&services, &megabit_per_s(rate), &mut allocation).unwrap();
        (choices(&allocation), (allocation.expected_utility() * 1e6).round() / 1e6)
    };
    let run = |name: &str| at(66.0, name);
    assert_eq!(run("on-vehicle"), (vec![None, None, None], 0.9));
    // 22 Mbit/s each: the worse `b` of the second service and the large `c` of the third are left.
    assert_eq!(run("equal-split"), (vec![Some(1), Some(1), None], 1.22));
    assert_eq!(run("fixed:b-imgcompNone-inpcomp50"), (vec![Some(1), Some(0), None], 1.0));
    // Sent although 22 Mbit/s are too few for it, so that it counts as late.
    assert_eq!(run("fixed:c-imgcompNone-inpcomp50"), (vec![None, None, Some(0)], 0.9));
    // Deadline less margin and encoding do not count for it: 11 Mbit/s and 22 carry what it takes for on time.
    assert_eq!(run("prototype").0, vec![Some(0), Some(1), Some(0)]);
    // What is expected of it is weighed by the chance of each: more than the on-vehicle detectors, less than all of it.
    let (sent, expected) = at(120.0, "turbo");
    assert_eq!(sent, vec![Some(1), Some(1), Some(0)]);
    assert!(expected > 1.2 && expected < 1.52, "{expected}");
}

#[test]
fn turbo_lends_what_is_left_and_takes_it_back_at_no_cost() {
    let services = [service(vec![choice("a", 1.0, 0.5)]), service(vec![choice("a", 1.0, 0.4)])];
    let mut policy = "turbo".parse::<PolicyName>().unwrap().build(2, 1, 0.005).unwrap();
    let mut allocation = Allocation::default();
    let mut at = |rate: f64| {
        policy.allocate(&services, &megabit_per_s(rate), &mut allocation).unwrap();
        let rates: Vec<f64> = allocation.services().iter().map(|answer| (answer.rate_bps / 1e6).round()).collect();
        (choices(&allocation), rates, allocation.expected_utility())
    };
    // 10 Mbit/s each are needed. What is lent has no rate, and counts by its chance.
    let (both, tight) = (vec![Some(0), Some(0)], at(16.0));
    assert_eq!((&tight.0, &tight.1), (&both, &vec![13.0, 0.0]));
    let plenty = at(30.0);
    assert_eq!((&plenty.0, &plenty.1), (&both, &vec![12.0, 12.0]));
    let poor = at(5.0);
    assert_eq!((&poor.0, &poor.1), (&both, &vec![0.0, 0.0]));
    assert!(0.6 < poor.2 && poor.2 < tight.2 && tight.2 < plenty.2 && plenty.2 < 0.9);
    assert_eq!(at(16.0).1, vec![13.0, 0.0]);
}

#[test]
fn turbo_learns_what_the_link_carries_of_its_estimate() {
    // The large needs 20 Mbit/s and the small 5, of 22 that are believed in.
    let services = [service(vec![choice("small", 0.5, 0.38), choice("large", 2.0, 0.5)])];
    let mut policy = "turbo".parse::<PolicyName>().unwrap().build(1, 2, 0.0).unwrap();
    let mut allocation = Allocation::default();
    let mut sent = |lessons: &[Lesson]| {
        lessons.iter().for_each(|lesson| policy.learn(lesson));
        policy.allocate(&services, &megabit_per_s(22.0), &mut allocation).unwrap();
        let given = allocation.services()[0];
        (given.choice, (given.need * 100.0).round() / 100.0)
    };
    assert_eq!(sent(&[]), (Some(1), 0.91));
    // Time and again it is late.
    let given = |need: f64, uplink_s: f64| ServiceAllocation { choice: Some(0), rate_bps: 0.0, need, uplink_s };
    assert_eq!(sent(&[Lesson::missed(&given(0.91, 0.091)); 64]), (Some(0), 0.23));
    // And later the small one takes half the time that was estimated.
    let early = Lesson::in_time(&given(0.23, 0.0227), Duration::from_micros(11_350));
    assert_eq!(sent(&[early; 64]), (Some(1), 0.91));
}

#[test]
fn a_megabyte_that_costs_is_only_sent_where_it_gains() {
    // 125 kB that gain 0.1, or 250 kB that gain 0.12.
    let services = [service(vec![choice("a", 1.0, 0.40), choice("b", 2.0, 0.42)])];
    let at = |cost: f64| {
        let capacity = megabit_per_s(200.0).with_cost_per_mb(cost).unwrap();
        let mut allocation = Allocation::default();
        Solver::new(1, 2).solve(&services, &capacity, &mut allocation).unwrap();
        assert!(allocation.is_optimal());
        let mut policy = "turbo".parse::<PolicyName>().unwrap().build(1, 2, 0.0).unwrap();
        let mut learned = Allocation::default();
        policy.allocate(&services, &capacity, &mut learned).unwrap();
        assert_eq!(choices(&learned), choices(&allocation), "at {cost}");
        choices(&allocation)[0]
    };
    assert_eq!([at(0.0), at(0.1), at(0.3), at(0.7), at(0.9)], [Some(1), Some(1), Some(0), Some(0), None]);
}

#[test]
fn a_policy_that_does_not_exist_names_those_that_do() {
    for name in ["best", "", "Turbo", "fixed", "fixedx:"] {
        let error = name.parse::<PolicyName>().unwrap_err();
        assert_eq!(error, ParsePolicyError::Unknown(name.to_owned()));
        assert!(
            error.to_string().contains("turbo, prototype, on-vehicle, equal-split, oracle or fixed:<config>"),
            "{error}"
        );
    }
    let error = "fixed:edd4".parse::<PolicyName>().unwrap_err().to_string();
    assert!(error.contains("fixed:edd4") && error.contains("no -inpcomp part"), "{error}");
    let missing: PolicyName = "fixed:z-imgcompNone-inpcomp50".parse().unwrap();
    let error = missing.check(&[service(vec![choice("a", 1.0, 0.4)])]).unwrap_err().to_string();
    assert!(error.contains("menus have a-imgcompNone-inpcomp50"), "{error}");
    assert!("turbo".parse::<PolicyName>().unwrap().build(1, 1, f64::NAN).is_err());
    let oracle = "oracle".parse::<PolicyName>().unwrap();
    assert_eq!(oracle.to_string(), "oracle");
    assert!(oracle.build(1, 1, 0.0).is_err_and(|error| error.to_string().contains("turbo simulate")));
}

#[test]
fn the_prototype_plans_with_means_where_turbo_plans_with_tails() {
    // 1 Mbit on average, 2 at the 95th percentile; 40 ms of execution typically, 90 at the 95th percentile.
    let costs = Costs { payload_bits: 2e6, mean_bits: 1e6, encode_s: 0.02, execution_s: 0.09 };
    let choice = Choice::new("a-imgcompNone-inpcomp50".parse().unwrap(), costs, 0.5).unwrap();
    let services = [service(vec![choice.with_typical_execution(0.04).unwrap()])];
    let mut allocation = Allocation::default();
    // Point estimates: 1 Mbit in 201 − 50 − 40 ms is 9 Mbit/s. Tails: 2 Mbit in 201 − 1 − 50 − 90 − 20 ms is 50,
    // four fifths of 62.5.
    for (name, rate, expected) in
        [("prototype", 8.9, None), ("prototype", 9.1, Some(0)), ("turbo", 62.4, None), ("turbo", 62.6, Some(0))]
    {
        let mut policy = name.parse::<PolicyName>().unwrap().build(1, 1, 0.0).unwrap();
        allocation.clear();
        // A cloud without any time does not stop the prototype, which asks no one for it.
        let cloud = if name == "prototype" { 0.0 } else { 1.0 };
        policy.allocate(&services, &megabit_per_s(rate).with_cloud(cloud).unwrap(), &mut allocation).unwrap();
        let assured: Vec<_> = allocation.services().iter().map(|answer| answer.assured()).collect();
        assert_eq!(assured, [expected], "{name} at {rate} Mbit/s");
    }
    let habits = |name: &str| name.parse::<PolicyName>().unwrap().build(1, 1, 0.0).unwrap().habits();
    assert_eq!(habits("prototype").period, Some(std::time::Duration::from_millis(500)));
    assert_eq!(habits("turbo").period, None);
}
