//! `turbo bench transport`.

use std::path::PathBuf;
use std::time::Duration;

use ::transport::simulation::cases;
use clap::Args;
use serde::Serialize;

use super::output::print_json;
use super::{Result, count};
use crate::emulated;
use crate::error::BenchError;
use crate::host::Host;
use crate::transport::{self, Options, Row};
use crate::transport_soak;

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench transport --seeds 5 --json")]
pub struct TransportArgs {
    /// Runs of each row, each with a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count)]
    seeds: usize,
    /// Only the scenarios whose names contain this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Folder of recorded traces (`*.up`); by default `traces` of the shared test data, skipped where it is not there.
    #[arg(long, value_name = "FOLDER")]
    traces: Option<PathBuf>,
    /// In real time too: real endpoints, sockets and the link emulator's relay, with what they cost.
    #[arg(long)]
    real: bool,
    /// With --real: how long frames count in each run.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..), requires = "real")]
    seconds: u64,
    /// With --real: only this carrier, beside the plain client.
    #[arg(long, value_name = "NAME", requires = "real")]
    carrier: Option<String>,
    /// Instead: so many simulated minutes of faults, and by how much the heap has grown after them.
    #[arg(long, value_name = "MINUTES", conflicts_with = "real", value_parser = clap::value_parser!(u64).range(20..=600))]
    soak: Option<u64>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Fail where a claimed share is not reached.
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct TransportReport<R> {
    rows: Vec<R>,
    skipped: Vec<String>,
    host: Host,
}

impl TransportArgs {
    /// Measures and prints.
    pub fn run(&self) -> Result<()> {
        if let Some(minutes) = self.soak {
            return self.soaked(minutes);
        }
        let known = |name: &str| name == "plain" || transport::CARRIERS.iter().any(|(carrier, _)| *carrier == name);
        if let Some(name) = self.carrier.as_deref().filter(|name| !known(name)) {
            return Err(BenchError::Usage(format!("{name:?} is no carrier")));
        }
        let folder = self.traces.clone().or_else(|| testkit::data::shared("traces"));
        let mut cases = cases::built_in();
        if self.real {
            cases.extend(emulated::cost_cases());
        }
        let mut skipped = Vec::new();
        match folder {
            Some(folder) => cases.extend(cases::recorded(&folder)),
            None => {
                eprintln!("SKIPPED: recorded traces: no folder of them is known; name one with --traces");
                skipped.push("recorded traces".to_owned());
            }
        }
        if let Some(only) = &self.only {
            cases.retain(|case| case.name.contains(only.as_str()));
        }
        if self.real {
            return self.in_real_time(&cases, skipped);
        }
        let rows = transport::run(&cases, &Options { seeds: self.seeds as u64 })?;
        let missed: Vec<String> = rows.iter().filter_map(Row::missed).collect();
        if self.json {
            print_json(&TransportReport { rows, skipped, host: Host::look() })?;
        } else {
            rows.iter().for_each(|row| println!("{row}"));
        }
        if self.check && !missed.is_empty() {
            return Err(BenchError::Violated(format!("shares that were not reached: {}", missed.join("; "))));
        }
        Ok(())
    }

    fn soaked(&self, minutes: u64) -> Result<()> {
        let soaked = transport_soak::run(minutes)?;
        if self.json {
            print_json(&soaked)?;
        } else {
            println!("{soaked}");
        }
        soaked.judge()
    }

    fn in_real_time(&self, cases: &[cases::Case], skipped: Vec<String>) -> Result<()> {
        let time = Duration::from_secs(self.seconds);
        let options = emulated::Options { seeds: self.seeds as u64, time, carrier: self.carrier.clone() };
        let host = Host::look();
        let rows = emulated::run(cases, &options)?;
        if self.json {
            return print_json(&TransportReport { rows, skipped, host });
        }
        rows.iter().for_each(|row| println!("{row}"));
        Ok(())
    }
}
