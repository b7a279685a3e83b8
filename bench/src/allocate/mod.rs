//! `turbo bench allocate`: one division of the uplink, by turbo's exact solver and by what one would otherwise use, on
//! the same instances in the same run.

mod instance;
mod peers;
mod report;

#[allow(clippy::unwrap_used, reason = "instances of the tests; made before anything is measured")]
#[path = "../../../allocation/tests/common/mod.rs"]
mod samples;

use std::hint::black_box;

use allocation::allocation::Allocation;
use allocation::solver::Solver;
use rt_core::clock::Monotonic;
use testkit::heap::HeapCalls;

use crate::error::{BenchError, Result};
use crate::report::Skipped;
use crate::seat::Placement;
use instance::{Instance, Scarce};
use peers::{Peer, Solved};
pub use report::{AllocateReport, Claim, Row};

/// Utility, in weighted accuracy, by which a peer's answer may differ from ours: their tolerance.
pub const TOLERANCE: f64 = 1e-6;
/// How many times faster than PuLP with CBC is claimed.
const TIMES_FASTER: f64 = 500.0;
/// An instance is solved so often and its fastest time counts: the percentiles are over instances, and on a machine
/// that others use too, those who were interrupted do not hide how hard an instance is.
const SOLVES: usize = 3;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Instances of each row for turbo's solver.
    pub instances: usize,
    /// Of these, how many the peers solve too.
    pub peer_instances: usize,
    /// Whether PuLP with CBC takes part.
    pub python: bool,
}

/// Services and choices of each problem size; the first two are also enumerated.
const SIZES: [(usize, usize); 4] = [(1, 11), (3, 36), (6, 36), (12, 60)];

/// Measures every size in every scarcity.
///
/// # Errors
/// What kept a solver from answering.
pub fn run(options: &Options) -> Result<AllocateReport> {
    let mut report = AllocateReport::default();
    for (services, choices) in SIZES {
        for scarce in Scarce::ALL {
            let instances = instance::draw(services, choices, scarce, options.instances)?;
            let ours = ours(&instances, services, choices)?;
            let shown = |solver: &str| Row::new(services, choices, scarce, solver);
            report.rows.push(shown(peers::TURBO).of(&ours));
            let some = instances.get(..options.peer_instances.min(instances.len())).unwrap_or_default();
            for peer in Peer::ALL {
                if !peer.takes(services, choices) || (peer == Peer::Cbc && !options.python) {
                    continue;
                }
                let theirs = match peer.solve(some) {
                    Err(BenchError::Python(reason)) => {
                        let reason = format!("no Python environment: {reason}");
                        eprintln!("SKIPPED: {}: {reason}", peer.name());
                        let name = peer.name().to_owned();
                        report.skipped.push(Skipped { name, placement: Placement::SameCore, reason });
                        continue;
                    }
                    theirs => theirs?,
                };
                let row = shown(peer.name()).of(&theirs).beside(some, &ours, &theirs);
                if peer == Peer::Cbc {
                    report.claims.push(Claim::faster(&row, &ours, &theirs, TIMES_FASTER));
                }
                report.rows.push(row);
            }
        }
    }
    Ok(report)
}

fn ours(instances: &[Instance], services: usize, choices: usize) -> Result<Vec<Solved>> {
    let mut solver = Solver::new(services, choices);
    let mut solved = Vec::with_capacity(instances.len());
    for instance in instances {
        let mut allocation = Allocation::with_capacity(services);
        let (mut fastest_us, mut allocations) = (f64::INFINITY, 0);
        for _ in 0..SOLVES {
            allocation.copy_from(&instance.in_force);
            let before = HeapCalls::of_this_thread();
            let begun = Monotonic::now();
            let done = solver.solve(black_box(&instance.services), black_box(&instance.capacity), &mut allocation);
            let took = Monotonic::now().saturating_since(begun);
            allocations += (HeapCalls::of_this_thread() - before).allocations();
            done.map_err(BenchError::library("turbo's solver"))?;
            fastest_us = fastest_us.min(took.as_secs_f64() * 1e6);
        }
        solved.push(Solved {
            us: fastest_us,
            allocations: Some(allocations),
            picks: allocation.services().iter().map(|answer| answer.choice).collect(),
            proven: allocation.is_optimal(),
        });
    }
    Ok(solved)
}
