//! The grid of runs: traces × means × round trips × losses × objectives × policies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use allocation::policy::PolicyName;
use allocation::problem::Demand;
use allocation::simulate::{Discipline, Frames, Outcome, Scenario, Service, clairvoyant, run};
use config::table::UtilityTable;
use rt_core::clock::Monotonic;
use transport::link::Trace;

use super::link::{CarEstimator, TraceUplink};
use crate::failure::Failure;
use crate::verbs::simulate::SimulateArgs;

/// A trace and what the user calls it.
pub struct NamedTrace {
    /// The file, or `generated:SEED`.
    pub name: String,
    /// The trace, scaled.
    pub trace: Trace,
}

/// Everything to be simulated.
pub struct Grid<'a> {
    /// The traces, scaled.
    pub traces: Vec<NamedTrace>,
    /// The policies.
    pub policies: Vec<PolicyName>,
    /// Everything else.
    pub args: &'a SimulateArgs,
    /// The menu.
    pub table: &'a UtilityTable,
}

/// One run and what came of it.
pub struct Run {
    /// The file, or `generated:SEED`.
    pub trace: String,
    /// As on the command line.
    pub policy: PolicyName,
    /// Mean of the scaled trace.
    pub mean_mbps: f64,
    /// Round trip of the idle link.
    pub rtt: Duration,
    /// Probability that a packet is lost.
    pub loss: f64,
    /// From capture to decision.
    pub slo: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// All runs and how long they took.
pub struct Results {
    /// The runs, cell after cell of the grid.
    pub runs: Vec<Run>,
    simulated: Duration,
    took: Duration,
}

impl Results {
    /// A sentence on the speed.
    pub fn speed(&self) -> String {
        let factor = self.simulated.as_secs_f64() / self.took.as_secs_f64().max(1e-9);
        let (simulated, took) = (self.simulated.as_secs_f64(), self.took.as_secs_f64());
        let runs = self.runs.len();
        format!("{runs} runs of together {simulated:.0} s simulated in {took:.1} s, {factor:.0} times real time")
    }
}

/// One cell of the grid: all policies meet the same frames in it.
struct Cell<'a> {
    trace: &'a NamedTrace,
    rtt: Duration,
    loss: f64,
    slo: Duration,
}

impl Grid<'_> {
    /// Runs everything, on all cores that there are; the result does not depend on how many.
    ///
    /// # Errors
    /// [`Failure::Config`] where a number is out of range.
    pub fn run(&self) -> Result<Results, Failure> {
        let begun = Monotonic::now();
        let mut cells = Vec::new();
        for trace in &self.traces {
            for &rtt in &self.args.rtt {
                for &loss in &self.args.loss {
                    cells.extend(self.args.slo.iter().map(|&slo| Cell { trace, rtt, loss, slo }));
                }
            }
        }
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            while let Some((index, cell)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                cells.get(index).map(|cell| (index, cell))
            } {
                let runs = self.cell(cell);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((index, runs));
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(cells.len());
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        let mut runs = Vec::new();
        for (_, cell) in done {
            runs.extend(cell?);
        }
        // A short trace is repeated, a long one cut.
        let simulated = self.args.length * u32::try_from(runs.len()).unwrap_or(u32::MAX);
        Ok(Results { runs, simulated, took: begun.elapsed() })
    }

    fn cell(&self, cell: &Cell<'_>) -> Result<Vec<Run>, Failure> {
        let scenario = self.scenario(cell)?;
        let frames = Frames::draw(&scenario, self.args.length);
        let uplink = TraceUplink::new(&cell.trace.trace, self.args.trace_from);
        let runs = self.policies.iter().map(|policy| {
            let outcome = match policy {
                PolicyName::Oracle => clairvoyant(&scenario, &frames, &uplink),
                _ => {
                    let (services, choices) = (scenario.services().len(), scenario.most_choices());
                    let mut live = policy.build(services, choices, self.args.hysteresis).map_err(Failure::config)?;
                    let mut estimator = CarEstimator::default();
                    run(&scenario, &frames, &uplink, &mut estimator, live.as_mut()).map_err(Failure::config)?
                }
            };
            Ok(Run {
                trace: cell.trace.name.clone(),
                policy: policy.clone(),
                mean_mbps: (cell.trace.trace.mean_bps() / 1e3).round() / 1e3,
                rtt: cell.rtt,
                loss: cell.loss,
                slo: cell.slo,
                outcome,
            })
        });
        runs.collect()
    }

    fn scenario(&self, cell: &Cell<'_>) -> Result<Scenario, Failure> {
        let mut models: Vec<&str> = self.table.entries.iter().map(|entry| entry.config.model.as_str()).collect();
        models.dedup();
        let demand = Demand {
            weight: 1.0,
            slo_s: cell.slo.as_secs_f64(),
            fps: self.args.fps,
            margin_s: self.args.margin.as_secs_f64(),
            floor_accuracy: self.table.vehicle.accuracy,
        };
        let menu = self.table.menu(&models).map_err(Failure::config)?;
        let services = vec![Service { demand, menu }; usize::from(self.args.services)];
        let scenario = Scenario::new(services, cell.rtt, cell.loss, self.args.seed).map_err(Failure::config)?;
        let scenario = match self.args.cloud_workers {
            Some(workers) => scenario.with_workers(usize::from(workers)).map_err(Failure::config)?,
            None => scenario,
        };
        let scenario = if self.args.fifo { scenario.with_discipline(Discipline::Fifo) } else { scenario };
        let scenario = scenario.with_cost_per_mb(self.args.cost_per_mb).map_err(Failure::config)?;
        Ok(if self.args.staggered { scenario.staggered() } else { scenario })
    }
}
