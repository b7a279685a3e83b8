//! Measures one solve: time, heap allocations and whether the answer is the optimum, per problem size and policy.
//!
//! `cargo bench -p allocation` prints a table, with `-- --json` `{"rows":[{services, choices, solver, p50_us, p99_us,
//! allocations, optimal}]}`. The percentiles are over instances; nothing is
//! asserted about times. `optimal` says whether every answer was worth as much as the exact one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may fail aloud")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::Instant;

use allocation::allocation::Allocation;
use allocation::policy::PolicyName;
use allocation::problem::{Capacity, ServiceProblem};
use allocation::solver::Solver;
use common::{Random, services};
use testkit::heap::HeapCalls;

testkit::count_heap!();

/// Accuracy that a switch upward must gain.
const HYSTERESIS: f64 = 0.005;
/// An instance is solved so often and its fastest time counts: the percentiles are over instances, and on a machine
/// that others use too, those who were interrupted do not hide how hard an instance is.
const SOLVES_PER_INSTANCE: usize = 3;

/// How scarce the cloud is, and what was in force before.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    cloud: bool,
    warm: bool,
}

const SETTINGS: [Setting; 4] = [
    Setting { name: "uplink", cloud: false, warm: false },
    Setting { name: "uplink+cloud", cloud: true, warm: false },
    Setting { name: "uplink, stepwise", cloud: false, warm: true },
    Setting { name: "uplink+cloud, stepwise", cloud: true, warm: true },
];

struct Row {
    services: usize,
    choices: usize,
    setting: &'static str,
    solver: String,
    p50_us: f64,
    p99_us: f64,
    max_us: f64,
    allocations: u64,
    optimal: bool,
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let instances = if cfg!(debug_assertions) { 50 } else { 2000 };
    let mut rows = Vec::new();
    for (count, choices) in [(1, 11), (6, 36), (12, 60)] {
        for setting in SETTINGS {
            for solver in ["turbo", "equal-split"] {
                rows.push(measure(count, choices, setting, solver, instances));
            }
        }
    }
    if json { print_json(&rows) } else { print_table(&rows) }
}

fn measure(count: usize, choices: usize, setting: Setting, solver: &str, instances: usize) -> Row {
    let name: PolicyName = solver.parse().unwrap();
    let mut policy = name.build(count, choices, HYSTERESIS).unwrap();
    let mut allocation = Allocation::with_capacity(count);
    let mut reference = Solver::new(count, choices).with_hysteresis(HYSTERESIS).unwrap();
    let mut random = Random(choices as u64);
    let mut problem = services(&mut random, count, choices);
    let (mut times, mut allocations, mut optimal) = (Vec::with_capacity(instances), 0, true);
    let mut rate = 7.5e6 * count as f64;
    for _ in 0..instances {
        if setting.warm {
            // As the estimate of a link moves.
            rate = (rate * (0.9 + 0.2 * random.unit())).clamp(1e6, 1.5e7 * count as f64);
        } else {
            problem = services(&mut random, count, choices);
            rate = random.unit() * 1.5e7 * count as f64;
            allocation.clear();
        }
        let capacity = Capacity::new(rate, random.unit() * 0.08).unwrap();
        let cloud = if setting.cloud { random.unit() * 0.4 * count as f64 } else { f64::INFINITY };
        let capacity = capacity.with_cloud(cloud).unwrap();
        let in_force = allocation.clone();
        let mut fastest = f64::INFINITY;
        for _ in 0..SOLVES_PER_INSTANCE {
            allocation.copy_from(&in_force);
            let before = HeapCalls::of_this_thread();
            #[expect(clippy::disallowed_methods, reason = "this crate knows no clock, and rt-core's is not its own")]
            let start = Instant::now();
            policy.allocate(black_box(&problem), black_box(&capacity), &mut allocation).unwrap();
            fastest = fastest.min(start.elapsed().as_secs_f64() * 1e6);
            allocations += (HeapCalls::of_this_thread() - before).allocations();
        }
        times.push(fastest);
        let mut exact = in_force;
        reference.solve(&problem, &capacity, &mut exact).unwrap();
        optimal &= exact.is_optimal() && same_worth(&problem, &allocation, &exact);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
    Row {
        services: count,
        choices,
        setting: setting.name,
        solver: solver.to_owned(),
        p50_us: at(0.5),
        p99_us: at(0.99),
        max_us: at(1.0),
        allocations,
        optimal,
    }
}

fn same_worth(problem: &[ServiceProblem], a: &Allocation, b: &Allocation) -> bool {
    (a.expected_utility() - b.expected_utility()).abs() <= 1e-8 * problem.len() as f64
}

fn print_table(rows: &[Row]) {
    println!(
        "{:>8} {:>8}  {:<24} {:<12} {:>9} {:>9} {:>9} {:>12}  optimal",
        "services", "choices", "scarce", "solver", "p50 µs", "p99 µs", "max µs", "allocations"
    );
    for row in rows {
        println!(
            "{:>8} {:>8}  {:<24} {:<12} {:>9.2} {:>9.2} {:>9.2} {:>12}  {}",
            row.services,
            row.choices,
            row.setting,
            row.solver,
            row.p50_us,
            row.p99_us,
            row.max_us,
            row.allocations,
            row.optimal
        );
    }
}

fn print_json(rows: &[Row]) {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                r#"{{"services":{},"choices":{},"scarce":"{}","solver":"{}","p50_us":{:.3},"p99_us":{:.3},"max_us":{:.3},"allocations":{},"optimal":{}}}"#,
                row.services,
                row.choices,
                row.setting,
                row.solver,
                row.p50_us,
                row.p99_us,
                row.max_us,
                row.allocations,
                row.optimal
            )
        })
        .collect();
    println!(r#"{{"rows":[{}]}}"#, rows.join(","));
}
