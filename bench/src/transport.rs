//! `turbo bench transport`: frames on time over links in virtual time, carrier beside carrier.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use transport::carrier::{Carrier, CarrierChoice, Probe};
use transport::certs::DevPki;
use transport::simulation::cases::Case;
use transport::simulation::scenario::{Outcome, play};

use crate::error::{BenchError, Result};

/// Frames before those that count.
const WARM_UP: Duration = Duration::from_secs(3);

/// The carrier that is chosen frame by frame.
const AUTO: &str = "auto";
/// What is compared.
pub(crate) const CARRIERS: [(&str, CarrierChoice); 5] = [
    ("prototype", CarrierChoice::Prototype(Probe::None)),
    ("prototype+probe", CarrierChoice::Prototype(Probe::Fill)),
    ("stream", CarrierChoice::Pinned(Carrier::Stream)),
    ("datagram", CarrierChoice::Pinned(Carrier::Datagram)),
    (AUTO, CarrierChoice::Auto),
];

/// One carrier on one case, over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The case.
    pub scenario: String,
    /// The carrier.
    pub carrier: String,
    /// Share of frames whose detections came by their deadline, 0 to 1; mean over the seeds.
    pub on_time: f64,
    /// Least and most share of one seed.
    pub on_time_spread: [f64; 2],
    /// Capture to detections of the frames on time.
    pub p50_ms: f64,
    /// The same, 95th percentile.
    pub p95_ms: f64,
    /// Bytes of frames on time.
    pub goodput_mbps: f64,
    /// How many.
    pub seeds: u64,
    /// Share of what a clairvoyant sender would have had on time, where the trace is all that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_oracle: Option<f64>,
    /// What is claimed of `on_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<f64>,
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Runs of each row.
    pub seeds: u64,
}

/// Runs `cases`, a row each.
///
/// # Errors
/// What kept an endpoint from starting.
pub fn run(cases: &[Case], options: &Options) -> Result<Vec<Row>> {
    let dir = tempfile::tempdir().map_err(BenchError::library("a temporary folder"))?;
    let pki = DevPki::create(dir.path()).map_err(BenchError::library("certificates"))?;
    let mut rows = Vec::new();
    for case in cases {
        for (name, carrier) in CARRIERS {
            let mut outcomes = Vec::new();
            for seed in 1..=options.seeds {
                let outcome = play(case.scenario(seed, WARM_UP, carrier), &pki);
                outcomes.push(outcome.map_err(|error| BenchError::Violated(format!("{}: {error}", case.name)))?);
            }
            let row = row(case, name, &outcomes);
            eprintln!("{row}");
            rows.push(row);
        }
    }
    Ok(rows)
}

pub(crate) fn row(case: &Case, carrier: &str, outcomes: &[Outcome]) -> Row {
    let mean = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / outcomes.len().max(1) as f64;
    let shares = outcomes.iter().map(Outcome::on_time);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Row {
        scenario: case.name.clone(),
        carrier: carrier.to_owned(),
        on_time: mean(&Outcome::on_time),
        on_time_spread: [shares.clone().fold(1.0, f64::min), shares.fold(0.0, f64::max)],
        p50_ms: mean(&|outcome| ms(outcome.latency(0.5))),
        p95_ms: mean(&|outcome| ms(outcome.latency(0.95))),
        goodput_mbps: mean(&|outcome| outcome.goodput_mbps(case.duration)),
        seeds: outcomes.len() as u64,
        of_oracle: case.oracle.then(|| mean(&|outcome| case.of_oracle(outcome))),
        // What is claimed is claimed of turbo as it comes.
        claimed: case.claimed.filter(|_| carrier == AUTO),
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = self.on_time_spread;
        write!(
            f,
            "{:<50} {:<15} {:>5.1} % on time ({:.1} to {:.1}), p50 {:>5.1} ms, p95 {:>5.1} ms, {:>5.2} Mbit/s",
            self.scenario,
            self.carrier,
            self.on_time * 100.0,
            least * 100.0,
            most * 100.0,
            self.p50_ms,
            self.p95_ms,
            self.goodput_mbps
        )?;
        if let Some(share) = self.of_oracle {
            write!(f, "; {:.1} % of the oracle", share * 100.0)?;
        }
        if let Some(claimed) = self.claimed {
            write!(f, "; claimed {:.0} %", claimed * 100.0)?;
        }
        Ok(())
    }
}

impl Row {
    /// What was claimed and not reached, in words.
    #[must_use]
    pub fn missed(&self) -> Option<String> {
        let claimed = self.claimed.filter(|claimed| self.on_time < *claimed)?;
        Some(format!("{}, {}: {:.3} of {claimed}", self.scenario, self.carrier, self.on_time))
    }
}
