//! The exact solver against a mixed-integer solver that knows nothing of it, on instances too large for brute force.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

mod common;

use allocation::allocation::Allocation;
use allocation::feasibility::{cloud_seconds_per_s, required_bps};
use allocation::problem::{Capacity, ServiceProblem};
use allocation::solver::Solver;
use common::{Random, services};
use microlp::{ComparisonOp, OptimizationDirection, Problem};

/// Utility that two answers may differ by: the mixed-integer solver's tolerance, not ours.
const TOLERANCE: f64 = 1e-6;

/// The problem as equations: one binary per service and choice, at most one of a service's, both capacities.
fn by_milp(services: &[ServiceProblem], capacity: &Capacity) -> f64 {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let (mut rates, mut clouds, mut floor) = (Vec::new(), Vec::new(), 0.0);
    for service in services {
        let demand = service.demand();
        floor += demand.weight * demand.floor_accuracy;
        let mut one_of = Vec::new();
        for choice in service.menu.choices() {
            let Some(rate) = required_bps(choice, &demand, capacity) else { continue };
            let gain = demand.weight * (choice.accuracy() - demand.floor_accuracy);
            let chosen = problem.add_binary_var(gain);
            one_of.push((chosen, 1.0));
            // Shares of the capacity, so that the solver's tolerance means the same in both rows.
            rates.push((chosen, rate.ceil() / capacity.uplink_bps()));
            clouds.push((chosen, cloud_seconds_per_s(choice, &demand) / capacity.cloud_seconds_per_s()));
        }
        problem.add_constraint(&one_of, ComparisonOp::Le, 1.0);
    }
    problem.add_constraint(&rates, ComparisonOp::Le, 1.0);
    if capacity.cloud_seconds_per_s().is_finite() {
        problem.add_constraint(&clouds, ComparisonOp::Le, 1.0);
    }
    floor + problem.solve().unwrap().into_solution().unwrap().objective()
}

#[test]
fn large_instances_are_worth_what_a_mixed_integer_solver_finds() {
    for (count, choices, rounds) in [(6, 36, 40), (12, 60, 6)] {
        let mut random = Random(99 + choices as u64);
        let mut solver = Solver::new(count, choices);
        for round in 0..rounds {
            let problem = services(&mut random, count, choices);
            let uplink_bps = (0.05 + 0.95 * random.unit()) * 1e7 * count as f64;
            let capacity = Capacity::new(uplink_bps, random.unit() * 0.08).unwrap();
            let cloud = if round % 2 == 0 { f64::INFINITY } else { (0.05 + random.unit()) * 0.3 * count as f64 };
            let capacity = capacity.with_cloud(cloud).unwrap();
            let mut answer = Allocation::default();
            solver.solve(&problem, &capacity, &mut answer).unwrap();
            assert!(answer.is_optimal());
            let (ours, milp) = (answer.expected_utility(), by_milp(&problem, &capacity));
            assert!((ours - milp).abs() < TOLERANCE, "{count} × {choices}, round {round}: {ours} against {milp}");
        }
    }
}
