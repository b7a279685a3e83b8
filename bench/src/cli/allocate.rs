//! `turbo bench allocate`.

use clap::Args;

use super::output::print_json;
use super::{Result, count};
use crate::allocate::{self, AllocateReport, Options};
use crate::error::BenchError;
use crate::host::Host;

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench allocate --instances 1000 --json")]
pub struct AllocateArgs {
    /// Instances of each row for turbo's solver.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count)]
    instances: usize,
    /// Of these, how many the others solve too.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count)]
    peer_instances: usize,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Fail where answers differ, turbo calls the heap, or a claimed ratio does not hold.
    #[arg(long)]
    check: bool,
    /// Leave out PuLP with CBC.
    #[arg(long)]
    no_python: bool,
}

impl AllocateArgs {
    /// Measures and prints.
    pub fn run(&self) -> Result<()> {
        let host = Host::look();
        let (instances, peer_instances) = (self.instances, self.peer_instances);
        let report = allocate::run(&Options { instances, peer_instances, python: !self.no_python })?;
        let report = AllocateReport { host, ..report };
        if self.json {
            print_json(&report)?;
        } else {
            println!("{report}");
        }
        let broken = report.broken();
        if self.check && !broken.is_empty() {
            return Err(BenchError::Violated(format!("claims that did not hold: {}", broken.join("; "))));
        }
        Ok(())
    }
}
