//! Rows and claims of `turbo bench allocate`.

use std::fmt;

use serde::Serialize;

use super::TOLERANCE;
use super::instance::{Instance, Scarce};
use super::peers::Solved;
use crate::host::Host;
use crate::report::Skipped;

/// One solver on one size and scarcity; percentiles are over instances.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Services.
    pub services: usize,
    /// Choices of each.
    pub choices: usize,
    /// What the instances are short of.
    pub scarce: Scarce,
    /// `turbo`, `brute-force`, `microlp` or `pulp-cbc`.
    pub solver: String,
    /// Median time of a solve.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// Longest.
    pub max_us: f64,
    /// Heap allocations of all solves; nothing where they are another process's.
    pub allocations: Option<u64>,
    /// Of turbo: whether each answer is proven. Of a peer: whether each of its answers was worth what turbo's was.
    pub optimal: bool,
    /// Instances solved.
    pub instances: usize,
    /// The largest difference of the objective from turbo's, weighted accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_difference: Option<f64>,
    /// Answers that exceed a capacity, by the solver's tolerance; they are not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceeding: Option<usize>,
}

impl Row {
    /// An empty row.
    pub(super) fn new(services: usize, choices: usize, scarce: Scarce, solver: &str) -> Self {
        Self {
            services,
            choices,
            scarce,
            solver: solver.to_owned(),
            p50_us: 0.0,
            p99_us: 0.0,
            max_us: 0.0,
            allocations: None,
            optimal: false,
            instances: 0,
            most_difference: None,
            exceeding: None,
        }
    }

    /// The times and allocations.
    pub(super) fn of(self, solved: &[Solved]) -> Self {
        let times = sorted(solved);
        Self {
            p50_us: at(&times, 0.5),
            p99_us: at(&times, 0.99),
            max_us: at(&times, 1.0),
            allocations: solved.iter().map(|solved| solved.allocations).sum(),
            optimal: solved.iter().all(|solved| solved.proven),
            instances: solved.len(),
            ..self
        }
    }

    /// Beside turbo's answers to the same instances.
    pub(super) fn beside(self, instances: &[Instance], ours: &[Solved], theirs: &[Solved]) -> Self {
        let (mut most, mut exceeding) = (0.0_f64, 0);
        for ((instance, ours), theirs) in instances.iter().zip(ours).zip(theirs) {
            // Ours must fit whatever theirs does: without a worth the difference is all there is.
            let ours = instance.worth(&ours.picks).unwrap_or(f64::NEG_INFINITY);
            match instance.worth(&theirs.picks) {
                Some(theirs) => most = most.max((ours - theirs).abs()),
                None => exceeding += 1,
            }
        }
        Self { optimal: most <= TOLERANCE, most_difference: Some(most), exceeding: Some(exceeding), ..self }
    }
}

fn sorted(solved: &[Solved]) -> Vec<f64> {
    let mut times: Vec<f64> = solved.iter().map(|solved| solved.us).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn at(times: &[f64], share: f64) -> f64 {
    times.get((times.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0.0)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allocations = self.allocations.map_or_else(|| "-".to_owned(), |count| count.to_string());
        write!(
            f,
            "{:>8} {:>7}  {:<17} {:<11} {:>12.2} {:>12.2} {:>12.2} {:>11} {:>9}  {}",
            self.services,
            self.choices,
            self.scarce.name(),
            self.solver,
            self.p50_us,
            self.p99_us,
            self.max_us,
            allocations,
            self.instances,
            if self.optimal { "yes" } else { "NO" }
        )?;
        if let (Some(most), Some(exceeding)) = (self.most_difference, self.exceeding) {
            write!(f, ", differs by {most:.1e} at most, {exceeding} beyond a capacity")?;
        }
        Ok(())
    }
}

/// How many times faster turbo is than a peer on the same instances, by the medians.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// Services.
    pub services: usize,
    /// Choices of each.
    pub choices: usize,
    /// What the instances are short of.
    pub scarce: Scarce,
    /// The peer.
    pub against: String,
    /// Median of the peer over turbo's.
    pub times_faster: f64,
    /// What is claimed.
    pub at_least: f64,
    /// Whether it held in this run.
    pub holds: bool,
}

impl Claim {
    pub(super) fn faster(row: &Row, ours: &[Solved], theirs: &[Solved], at_least: f64) -> Self {
        let same = ours.get(..theirs.len()).unwrap_or_default();
        let times_faster = at(&sorted(theirs), 0.5) / at(&sorted(same), 0.5).max(1e-3);
        let Row { services, choices, scarce, .. } = *row;
        let against = row.solver.clone();
        Self { services, choices, scarce, against, times_faster, at_least, holds: times_faster >= at_least }
    }
}

/// Everything that a run leaves.
#[derive(Debug, Default, Serialize)]
pub struct AllocateReport {
    /// The rows.
    pub rows: Vec<Row>,
    /// The ratios of times.
    pub claims: Vec<Claim>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// The machine.
    pub host: Host,
}

impl AllocateReport {
    /// What was claimed and did not hold: answers that differ, heap calls of turbo's, ratios. Never an absolute time.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let place = |services, choices, scarce: Scarce| format!("{services} x {choices}, scarce: {}", scarce.name());
        let mut broken = Vec::new();
        for row in &self.rows {
            let place = place(row.services, row.choices, row.scarce);
            if !row.optimal {
                broken.push(format!("{} at {place}: answers differ or are not proven", row.solver));
            }
            if row.solver == super::peers::TURBO && row.allocations != Some(0) {
                broken.push(format!("turbo at {place}: {:?} heap allocations", row.allocations));
            }
        }
        for claim in self.claims.iter().filter(|claim| !claim.holds) {
            let place = place(claim.services, claim.choices, claim.scarce);
            let Claim { against, times_faster, at_least, .. } = claim;
            broken.push(format!("{times_faster:.0} times faster than {against} at {place}; {at_least} claimed"));
        }
        broken
    }
}

impl fmt::Display for AllocateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>8} {:>7}  {:<17} {:<11} {:>12} {:>12} {:>12} {:>11} {:>9}  optimal",
            "services", "choices", "scarce", "solver", "p50 us", "p99 us", "max us", "allocations", "instances"
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        for claim in &self.claims {
            let Claim { services, choices, against, times_faster, at_least, .. } = claim;
            let verdict = if claim.holds { "holds" } else { "DOES NOT HOLD" };
            let scarce = claim.scarce.name();
            writeln!(
                f,
                "{services} x {choices}, scarce: {scarce}: {times_faster:.0} times faster than {against} (claimed {at_least:.0}; {verdict})"
            )?;
        }
        self.skipped.iter().try_for_each(|skipped| writeln!(f, "skipped: {}: {}", skipped.name, skipped.reason))?;
        write!(f, "{}", self.host)
    }
}
