//! Instances of the size the design names are solved within the node limit, and better than any policy without search.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

mod common;

use allocation::allocation::Allocation;
use allocation::policy::PolicyName;
use allocation::problem::Capacity;
use allocation::solver::Solver;
use common::{Random, services};

#[test]
fn large_instances_end_in_a_proof() {
    for (count, choices, rounds) in [(6, 36, 400), (12, 60, 200)] {
        let mut random = Random(7 + choices as u64);
        for round in 0..rounds {
            let problem = services(&mut random, count, choices);
            let capacity = Capacity::new(random.unit() * 1.5e7 * count as f64, random.unit() * 0.08).unwrap();
            let cloud = if round % 2 == 0 { f64::INFINITY } else { random.unit() * 0.4 * count as f64 };
            let capacity = capacity.with_cloud(cloud).unwrap();
            let mut best = Allocation::default();
            Solver::new(count, choices).solve(&problem, &capacity, &mut best).unwrap();
            assert!(best.is_optimal(), "{count} services, {choices} choices, round {round}");
            for name in ["on-vehicle", "equal-split", "fixed:m3-imgcompNone-inpcomp50"] {
                let name: PolicyName = name.parse().unwrap();
                let mut other = Allocation::default();
                name.build(count, choices, 0.0).unwrap().allocate(&problem, &capacity, &mut other).unwrap();
                let cloud_used: f64 = problem
                    .iter()
                    .zip(other.services())
                    .filter_map(|(service, answer)| Some(service.menu.get(answer.choice?)?.costs().execution_s * 5.0))
                    .sum();
                // `fixed` asks no one for cloud time, so it can only be compared where it did not overdraw.
                if cloud_used <= cloud {
                    assert!(best.expected_utility() >= other.expected_utility() - 1e-7, "{name}");
                }
            }
        }
    }
}

#[test]
fn services_that_are_all_alike_are_not_permuted() {
    let one = services(&mut Random(3), 1, 60);
    let problem: Vec<_> = std::iter::repeat_n(one[0].clone(), 12).collect();
    for step in 1..60 {
        let capacity = Capacity::new(f64::from(step) * 4e6, 0.03).unwrap().with_cloud(f64::from(step) * 0.08).unwrap();
        let mut best = Allocation::default();
        Solver::new(12, 60).solve(&problem, &capacity, &mut best).unwrap();
        assert!(best.is_optimal(), "step {step}");
    }
}

#[test]
fn services_that_share_a_menu_are_not_permuted() {
    let mut random = Random(5);
    for round in 0..30 {
        let one = services(&mut random, 1, 36);
        let problem: Vec<_> = (0..12)
            .map(|index| {
                let mut service = one[0].clone();
                service.set_weight(1.0 + 0.01 * f64::from(index)).unwrap();
                service
            })
            .collect();
        let capacity = Capacity::new(random.unit() * 1.8e8, 0.03).unwrap().with_cloud(random.unit() * 4.8).unwrap();
        let mut best = Allocation::default();
        Solver::new(12, 36).solve(&problem, &capacity, &mut best).unwrap();
        assert!(best.is_optimal(), "round {round}");
    }
}
