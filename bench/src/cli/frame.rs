//! `turbo bench frame`.

use clap::Args;

use super::output::Output;
use super::{Result, count};
use crate::frame::{self, FrameReport};
use crate::host::Host;
use crate::report::Report;

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench frame --bytes 6220800 --json")]
pub struct FrameArgs {
    /// Only these sizes; without it, nine from 8 B to 50 MB.
    #[arg(long, value_name = "BYTES", value_parser = size)]
    bytes: Vec<usize>,
    /// Rounds of every way, in turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count)]
    rounds: usize,
    /// Divides the round trips of a round (10,000 of the small sizes, 30 of the largest).
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    divide_calls: usize,
    #[command(flatten)]
    output: Output,
}

fn size(text: &str) -> std::result::Result<usize, String> {
    let size = text.parse().ok().filter(|size| (8..=50_000_000).contains(size));
    size.ok_or_else(|| format!("{text:?} is not a size from 8 to 50000000 bytes"))
}

impl FrameArgs {
    /// Measures and prints.
    pub fn run(&self) -> Result<()> {
        let options = frame::Options {
            sizes: if self.bytes.is_empty() { frame::SIZES.to_vec() } else { self.bytes.clone() },
            rounds: self.rounds,
            divide_calls: self.divide_calls,
            python: !self.output.no_python,
        };
        let host = Host::look();
        let (report, crossovers) = frame::run(&options)?;
        let report = FrameReport { report: Report { host, ..report }, hand_over: frame::costs()?, crossovers };
        self.output.print(&report, &report.report, report.table())
    }
}
