//! `turbo bench hop`.

use clap::{Args, ValueEnum};

use super::output::Output;
use super::{Result, count};
use crate::hop::{self, Plan};
use crate::host::Host;
use crate::peers;
use crate::report::Report;
use crate::seat::Placement;

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench hop --calls 100000 --placement other-core --json")]
pub struct HopArgs {
    /// Round trips of a round that count.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = count)]
    calls: usize,
    /// Round trips of a round before those that count.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    warm_up: usize,
    /// Rounds of every pair, in turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count)]
    rounds: usize,
    /// Rounds of the pairs that are Python programs, whose rounds take minutes.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    slow_rounds: usize,
    /// Where the two ends sit.
    #[arg(long, value_enum, default_value_t = Placements::Both)]
    placement: Placements,
    /// Only the pairs whose name contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Placements {
    Both,
    SameCore,
    OtherCore,
}

impl HopArgs {
    /// Measures and prints.
    pub fn run(&self) -> Result<()> {
        let mut pairs = peers::pairs();
        if !self.output.no_python {
            pairs.extend(peers::python::pairs());
        }
        let options = hop::Options {
            plan: Plan { warm_up: self.warm_up, calls: self.calls },
            rounds: self.rounds,
            slow_rounds: self.slow_rounds,
            placements: match self.placement {
                Placements::Both => vec![Placement::SameCore, Placement::OtherCore],
                Placements::SameCore => vec![Placement::SameCore],
                Placements::OtherCore => vec![Placement::OtherCore],
            },
            only: self.only.clone(),
        };
        let host = Host::look();
        let report = Report { host, ..hop::run(&pairs, &options)? };
        self.output.print(&report, &report, report.table())
    }
}
