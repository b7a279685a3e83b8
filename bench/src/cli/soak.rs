//! `turbo bench soak` and `turbo-soak`.

use std::time::Duration;

use clap::Args;

use super::Result;
use super::output::print_json;
use crate::error::BenchError;
use crate::soak;

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench soak --seconds 60 --json")]
pub struct SoakArgs {
    /// How long.
    #[arg(long, value_name = "N", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Cameras, three threads each.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=16))]
    cameras: u64,
    /// Seed of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
}

impl SoakArgs {
    /// Soaks, prints and judges.
    pub fn run(&self) -> Result<()> {
        let run_for = Duration::from_secs(self.seconds);
        let options = soak::Options { run_for, cameras: self.cameras, seed: self.seed };
        let report = soak::run(&options).map_err(BenchError::library("the soak could not start"))?;
        if self.json {
            print_json(&report)?;
        } else {
            print!("{}", report.table());
        }
        let violations = report.violations;
        if violations.is_empty() { Ok(()) } else { Err(BenchError::Violated(violations.join("; "))) }
    }
}
