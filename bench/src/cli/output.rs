//! How a report leaves the program.

use clap::Args;

use super::Result;
use crate::error::BenchError;
use crate::report::Report;

/// How a report leaves the program.
#[derive(Args)]
pub struct Output {
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Fail where a claimed ratio does not hold in this run.
    #[arg(long)]
    check: bool,
    /// Leave out the peers that are Python programs.
    #[arg(long)]
    pub no_python: bool,
}

impl Output {
    /// Prints `whole` as JSON, or the table; then judges the claims, where that is asked for.
    pub fn print<T: serde::Serialize>(&self, whole: &T, report: &Report, table: String) -> Result<()> {
        if self.json {
            print_json(whole)?;
        } else {
            print!("{table}");
        }
        let broken = report.broken();
        if self.check && !broken.is_empty() {
            return Err(BenchError::Violated(format!("claims that did not hold: {}", broken.join("; "))));
        }
        Ok(())
    }
}

/// One line of JSON on stdout.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<()> {
    println!("{}", serde_json::to_string(value).map_err(BenchError::library("writing JSON"))?);
    Ok(())
}
