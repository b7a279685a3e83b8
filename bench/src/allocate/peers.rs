//! What one would otherwise solve it with: every combination, a mixed-integer solver in Rust, and PuLP with CBC, as the
//! prototype does.

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use rt_core::clock::Monotonic;
use serde::{Deserialize, Serialize};
use testkit::heap::HeapCalls;

use super::instance::{Entry, Instance};
use crate::error::{BenchError, Result};
use crate::peers::python::{Environment, Program};

/// Turbo's own.
pub const TURBO: &str = "turbo";
/// More combinations than this are not enumerated.
const MOST_COMBINATIONS: f64 = 1e5;

/// One answer.
#[derive(Clone, Debug)]
pub struct Solved {
    /// Time of the solve.
    pub us: f64,
    /// Heap allocations of it, where they can be counted.
    pub allocations: Option<u64>,
    /// Index in each service's menu.
    pub picks: Vec<Option<usize>>,
    /// Whether the solver says that it is the optimum.
    pub proven: bool,
}

/// A solver to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Every combination.
    BruteForce,
    /// The crate microlp.
    Microlp,
    /// PuLP with CBC, from Python.
    Cbc,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BruteForce, Self::Microlp, Self::Cbc];

    /// As in the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BruteForce => "brute-force",
            Self::Microlp => "microlp",
            Self::Cbc => "pulp-cbc",
        }
    }

    /// Whether it can be had for this size.
    #[must_use]
    pub fn takes(self, services: usize, choices: usize) -> bool {
        self != Self::BruteForce || ((choices + 1) as f64).powf(services as f64) <= MOST_COMBINATIONS
    }

    /// Solves them all.
    ///
    /// # Errors
    /// The solver's, or [`BenchError::Python`] where there is none.
    pub fn solve(self, instances: &[Instance]) -> Result<Vec<Solved>> {
        match self {
            Self::BruteForce => instances.iter().map(|instance| timed(|| Ok(enumerate(instance)))).collect(),
            Self::Microlp => instances.iter().map(|instance| timed(|| microlp(instance))).collect(),
            Self::Cbc => cbc(instances),
        }
    }
}

fn timed(solve: impl FnOnce() -> Result<Vec<Option<usize>>>) -> Result<Solved> {
    let (before, begun) = (HeapCalls::of_this_thread(), Monotonic::now());
    let picks = solve()?;
    let took = Monotonic::now().saturating_since(begun);
    let allocations = Some((HeapCalls::of_this_thread() - before).allocations());
    Ok(Solved { us: took.as_secs_f64() * 1e6, allocations, picks, proven: true })
}

fn enumerate(instance: &Instance) -> Vec<Option<usize>> {
    let (uplink, cloud) = instance.limits();
    let entries = instance.entries();
    let mut at = vec![0_usize; entries.len()];
    let mut best = (f64::NEG_INFINITY, at.clone());
    let entry = |service: usize, rank: usize| -> Option<&Entry> { entries.get(service)?.get(rank.checked_sub(1)?) };
    loop {
        let chosen = at.iter().enumerate().filter_map(|(service, &rank)| entry(service, rank));
        let sums = chosen.fold((0.0, 0.0, 0.0), |sums, e| (sums.0 + e.value, sums.1 + e.rate, sums.2 + e.cloud));
        if sums.1 <= uplink && sums.2 <= cloud && sums.0 > best.0 {
            best = (sums.0, at.clone());
        }
        // The next combination, as an odometer counts.
        let mut full = true;
        for (rank, entries) in at.iter_mut().zip(&entries) {
            *rank = if *rank < entries.len() { *rank + 1 } else { 0 };
            if *rank > 0 {
                full = false;
                break;
            }
        }
        if full {
            break;
        }
    }
    best.1.iter().enumerate().map(|(service, &rank)| entry(service, rank).map(|entry| entry.choice)).collect()
}

fn microlp(instance: &Instance) -> Result<Vec<Option<usize>>> {
    let (uplink, cloud) = instance.limits();
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let (mut rates, mut clouds) = (Vec::new(), Vec::new());
    let mut variables: Vec<Vec<(Variable, usize)>> = Vec::new();
    for entries in instance.entries() {
        let mut chosen = Vec::new();
        for entry in entries {
            let variable = problem.add_binary_var(entry.value);
            // Shares of the capacities, so that the solver's tolerance means the same in both rows.
            rates.push((variable, entry.rate / uplink.max(1.0)));
            clouds.push((variable, entry.cloud / cloud.max(1.0)));
            chosen.push((variable, entry.choice));
        }
        let one_of: Vec<(Variable, f64)> = chosen.iter().map(|&(variable, _)| (variable, 1.0)).collect();
        problem.add_constraint(&one_of, ComparisonOp::Le, 1.0);
        variables.push(chosen);
    }
    problem.add_constraint(&rates, ComparisonOp::Le, 1.0);
    if cloud.is_finite() {
        problem.add_constraint(&clouds, ComparisonOp::Le, 1.0);
    }
    let solution = problem.solve().map_err(BenchError::library("microlp"))?.into_solution();
    let solution = solution.map_err(BenchError::library("microlp's solution"))?;
    let pick = |chosen: &Vec<(Variable, usize)>| {
        chosen.iter().find(|(variable, _)| solution.var_value(*variable) > 0.5).map(|&(_, choice)| choice)
    };
    Ok(variables.iter().map(pick).collect())
}

/// An instance as the script reads it.
#[derive(Serialize)]
struct Asked {
    uplink: f64,
    cloud: Option<f64>,
    services: Vec<Vec<[f64; 3]>>,
}

/// An answer as the script writes it.
#[derive(Deserialize)]
struct Told {
    seconds: f64,
    picks: Vec<Option<usize>>,
}

fn cbc(instances: &[Instance]) -> Result<Vec<Solved>> {
    let environment = Environment::get()?;
    let folder = tempfile::tempdir().map_err(BenchError::system("a temporary folder"))?;
    let (questions, answers) = (folder.path().join("instances.json"), folder.path().join("answers.json"));
    let ask = |instance: &Instance| {
        let (uplink, cloud) = instance.limits();
        let row = |entries: Vec<Entry>| entries.iter().map(|entry| [entry.value, entry.rate, entry.cloud]).collect();
        let services = instance.entries().into_iter().map(row).collect();
        Asked { uplink: uplink.max(1.0), cloud: cloud.is_finite().then_some(cloud.max(1.0)), services }
    };
    let asked: Vec<Asked> = instances.iter().map(ask).collect();
    let text = serde_json::to_vec(&asked).map_err(BenchError::library("writing JSON"))?;
    std::fs::write(&questions, text).map_err(BenchError::system("writing the instances"))?;
    let mut command = environment.program("allocate_cbc.py", 0);
    command.arg(&questions).arg(&answers);
    Program::start(command)?.finish()?;
    let text = std::fs::read(&answers).map_err(BenchError::system("reading the answers"))?;
    let told: Vec<Told> = serde_json::from_slice(&text).map_err(BenchError::library("the answers"))?;
    if told.len() != instances.len() {
        return Err(BenchError::Violated(format!("{} answers to {} instances", told.len(), instances.len())));
    }
    let solved = told.into_iter().zip(instances).map(|(told, instance)| {
        let entries = instance.entries();
        let pick = |(entries, pick): (&Vec<Entry>, Option<usize>)| Some(entries.get(pick?)?.choice);
        let picks = entries.iter().zip(told.picks).map(pick).collect();
        Solved { us: told.seconds * 1e6, allocations: None, picks, proven: true }
    });
    Ok(solved.collect())
}
