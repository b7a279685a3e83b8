//! The exact solver against brute force over every combination, in the order the solver documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use allocation::allocation::Allocation;
use allocation::choice::{Choice, Costs};
use allocation::feasibility::required_bps;
use allocation::menu::Menu;
use allocation::problem::{Capacity, Demand, ServiceProblem};
use allocation::solver::Solver;
use proptest::prelude::*;

/// What one service may do, in the solver's whole units: value in billionths, kept, bit/s, cloud ns/s.
type Row = (i64, i64, u64, u64);

fn rows(
    service: &ServiceProblem,
    capacity: &Capacity,
    in_force: Option<Option<usize>>,
    hysteresis: f64,
) -> Vec<Option<Row>> {
    let demand = service.demand();
    let feasible = |index: usize| required_bps(service.menu.get(index).unwrap(), &demand, capacity);
    let accuracy_in_force = match in_force {
        Some(None) => Some(demand.floor_accuracy),
        Some(Some(index)) if feasible(index).is_some() => Some(service.menu.get(index).unwrap().accuracy()),
        _ => None,
    };
    let on_vehicle = Some((0, i64::from(in_force == Some(None)), 0, 0));
    let choices = service.menu.choices().iter().enumerate().map(|(index, choice)| {
        let gain = choice.accuracy() - demand.floor_accuracy;
        if (demand.weight * gain * 1e9).round() <= 0.0 {
            return None;
        }
        let kept = in_force == Some(Some(index));
        let upward = !kept && accuracy_in_force.is_some_and(|old| choice.accuracy() > old);
        let value = demand.weight * (if upward { gain - hysteresis } else { gain });
        let cloud = (choice.costs().execution_s * demand.fps * 1e9).ceil() as u64;
        Some(((value * 1e9).round() as i64, i64::from(kept), feasible(index)?.ceil() as u64, cloud))
    });
    std::iter::once(on_vehicle).chain(choices).collect()
}

/// What answers are compared by, least first, and the ranks.
type Answer = ((i64, i64, i64, i64), Vec<usize>);

/// The best by value, kept, bits, cloud time, ranks, over every combination.
fn brute_force(tables: &[Vec<Option<Row>>], uplink: u64, cloud: u64) -> Vec<usize> {
    let mut best: Option<Answer> = None;
    let mut ranks = vec![0; tables.len()];
    loop {
        let rows: Option<Vec<Row>> = ranks.iter().zip(tables).map(|(&rank, table)| table[rank]).collect();
        if let Some(rows) = rows {
            let total = rows.iter().fold((0, 0, 0, 0), |t: Row, r| (t.0 + r.0, t.1 + r.1, t.2 + r.2, t.3 + r.3));
            if total.2 <= uplink && total.3 <= cloud {
                let score = (-total.0, -total.1, total.2 as i64, total.3 as i64);
                let candidate = (score, ranks.clone());
                if best.as_ref().is_none_or(|best| candidate < *best) {
                    best = Some(candidate);
                }
            }
        }
        let Some(position) = (0..tables.len()).rev().find(|&at| ranks[at] + 1 < tables[at].len()) else { break };
        ranks[position] += 1;
        ranks[position + 1..].fill(0);
    }
    best.unwrap().1
}

#[derive(Clone, Debug)]
struct Instance {
    services: Vec<ServiceProblem>,
    capacity: Capacity,
    in_force: Vec<Option<usize>>,
    has_past: bool,
    hysteresis: f64,
}

/// Numbers on a coarse grid, so that equal sums are common.
fn coarse_choice() -> impl Strategy<Value = (f64, f64, f64, f64)> {
    (1..8u32, 0..6u32, 0..3u32, 0..9u32).prop_map(|(bits, execution, encode, accuracy)| {
        (f64::from(bits) * 1e5, f64::from(execution) * 0.02, f64::from(encode) * 0.01, f64::from(accuracy) * 0.125)
    })
}

fn fine_choice() -> impl Strategy<Value = (f64, f64, f64, f64)> {
    (1e4..3e6f64, 0.0..0.16f64, 0.0..0.03f64, 0.0..1.0f64)
}

fn service(choices: Vec<(f64, f64, f64, f64)>, weight: f64, fps: f64, floor: f64) -> ServiceProblem {
    let choices = choices
        .into_iter()
        .enumerate()
        .map(|(index, (bits, execution_s, encode_s, accuracy))| {
            let costs = Costs { payload_bits: bits, mean_bits: bits * 0.9, encode_s, execution_s };
            Choice::new(format!("m{index}-imgcomp50-inpcompNone").parse().unwrap(), costs, accuracy).unwrap()
        })
        .collect();
    let demand = Demand { weight, slo_s: 0.2, fps, margin_s: 0.005, floor_accuracy: floor };
    ServiceProblem::new(demand, Menu::new(choices).unwrap()).unwrap()
}

fn instance(coarse: bool) -> impl Strategy<Value = Instance> {
    let choice = if coarse { coarse_choice().boxed() } else { fine_choice().boxed() };
    let one = (prop::collection::vec(choice, 1..6), 0..4u32, 1..4u32, 0..4u32, any::<prop::sample::Index>());
    let twin = prop_oneof![6 => Just(None), 2 => Just(Some(true)), 2 => Just(Some(false))];
    (
        prop::collection::vec((one, twin), 1..5),
        prop_oneof![1 => Just(0.0), 8 => 0.0..6e7f64],
        prop_oneof![1 => Just(f64::INFINITY), 1 => Just(0.0), 3 => 0.0..1.5f64],
        0.0..0.08f64,
        any::<bool>(),
        prop_oneof![Just(0.0), Just(0.125), 0.0..0.3f64],
    )
        .prop_map(move |(raw, uplink, cloud, rtt, has_past, hysteresis)| {
            let (mut services, mut in_force): (Vec<ServiceProblem>, Vec<Option<usize>>) = Default::default();
            for ((choices, weight, fps, floor, past), twin) in raw {
                // A share of the services are equal to the one before, which is where ties come from, or but for the weight.
                let new = match (services.last(), twin) {
                    (Some(last), Some(equal)) => {
                        let mut twin = last.clone();
                        twin.set_weight(if equal { last.demand().weight } else { f64::from(weight) }).unwrap();
                        twin
                    }
                    _ => service(choices, f64::from(weight), f64::from(fps) * 2.0, f64::from(floor) * 0.125),
                };
                in_force.push(past.index(new.menu.choices().len() + 1).checked_sub(1));
                services.push(new);
            }
            let capacity = Capacity::new(uplink, rtt).unwrap().with_cloud(cloud).unwrap();
            Instance { services, capacity, in_force, has_past, hysteresis }
        })
}

/// An allocation whose choices are `in_force`, made by a problem that leaves no other.
fn past(in_force: &[Option<usize>], services: &[ServiceProblem]) -> Allocation {
    let only: Vec<ServiceProblem> = services
        .iter()
        .zip(in_force)
        .map(|(service, wanted)| {
            let choices = service.menu.choices().iter().enumerate().map(|(index, choice)| {
                let costs = Costs { payload_bits: 1.0, mean_bits: 1.0, encode_s: 0.0, execution_s: 0.0 };
                let accuracy = if *wanted == Some(index) { 1.0 } else { 0.0 };
                Choice::new(choice.config().clone(), costs, accuracy).unwrap()
            });
            let demand = Demand { weight: 1.0, slo_s: 1.0, fps: 1.0, margin_s: 0.0, floor_accuracy: 0.5 };
            ServiceProblem::new(demand, Menu::new(choices.collect()).unwrap()).unwrap()
        })
        .collect();
    let mut allocation = Allocation::default();
    Solver::new(8, 8).solve(&only, &Capacity::new(1e9, 0.0).unwrap(), &mut allocation).unwrap();
    let got: Vec<Option<usize>> = allocation.services().iter().map(|answer| answer.choice).collect();
    assert_eq!(got, in_force);
    allocation
}

fn check(instance: &Instance, solver: &mut Solver) {
    let Instance { services, capacity, in_force, has_past, hysteresis } = instance;
    let mut allocation = if *has_past { past(in_force, services) } else { Allocation::default() };
    let tables: Vec<_> = services
        .iter()
        .zip(in_force)
        .map(|(service, choice)| rows(service, capacity, has_past.then_some(*choice), *hysteresis))
        .collect();
    let uplink = capacity.uplink_bps() as u64;
    let expected = brute_force(&tables, uplink, (capacity.cloud_seconds_per_s() * 1e9) as u64);
    solver.solve(services, capacity, &mut allocation).unwrap();
    let got: Vec<usize> =
        allocation.services().iter().map(|answer| answer.choice.map_or(0, |index| index + 1)).collect();
    assert_eq!(got, expected, "{tables:#?}");
    assert!(allocation.is_optimal());
    assert!(allocation.expected_utility() >= allocation.on_vehicle_utility());
    let total: f64 = allocation.services().iter().map(|answer| answer.rate_bps).sum();
    assert!(total <= capacity.uplink_bps() * (1.0 + 1e-12));
    for (service, answer) in services.iter().zip(allocation.services()) {
        match answer.choice.map(|index| service.menu.get(index).unwrap()) {
            None => assert_eq!(answer.rate_bps, 0.0),
            Some(choice) => {
                let needed = required_bps(choice, &service.demand(), capacity).unwrap();
                assert!(answer.rate_bps >= needed && choice.accuracy() > service.demand().floor_accuracy);
            }
        }
    }
    if allocation.services().iter().any(|answer| answer.choice.is_some()) {
        assert!(total >= capacity.uplink_bps() * (1.0 - 1e-12), "the rest of the uplink is not given out");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn coarse_instances_with_many_ties_agree_with_brute_force(instance in instance(true)) {
        let solver = Solver::new(8, 8).with_hysteresis(instance.hysteresis).unwrap();
        check(&instance, &mut { solver });
    }

    #[test]
    fn fine_instances_agree_with_brute_force(instance in instance(false)) {
        let solver = Solver::new(8, 8).with_hysteresis(instance.hysteresis).unwrap();
        check(&instance, &mut { solver });
    }

    #[test]
    fn more_uplink_is_never_worse(instance in instance(false), more in 1.0..3.0f64) {
        let mut solver = Solver::new(8, 8);
        let (mut low, mut high) = (Allocation::default(), Allocation::default());
        solver.solve(&instance.services, &instance.capacity, &mut low).unwrap();
        let wider = Capacity::new(instance.capacity.uplink_bps() * more, instance.capacity.rtt_s()).unwrap();
        let wider = wider.with_cloud(instance.capacity.cloud_seconds_per_s()).unwrap();
        solver.solve(&instance.services, &wider, &mut high).unwrap();
        prop_assert!(high.expected_utility() >= low.expected_utility() - 1e-6);
    }

    #[test]
    fn solving_again_from_the_answer_changes_nothing(instance in instance(true)) {
        let mut solver = Solver::new(8, 8).with_hysteresis(instance.hysteresis).unwrap();
        let mut first = Allocation::default();
        solver.solve(&instance.services, &instance.capacity, &mut first).unwrap();
        let mut second = first.clone();
        solver.solve(&instance.services, &instance.capacity, &mut second).unwrap();
        prop_assert_eq!(first, second);
    }
}
