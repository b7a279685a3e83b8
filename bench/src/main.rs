//! `turbo-bench`: the program behind `turbo bench`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use turbo_bench::error::{BenchError, Result};
use turbo_bench::hop::{Options, Plan, run};
use turbo_bench::host::Host;
use turbo_bench::peers;
use turbo_bench::report::Report;
use turbo_bench::seat::Placement;

/// Measures turbo's hand-overs beside what one would otherwise use, in one run on this machine.
#[derive(Parser)]
#[command(name = "turbo bench", version, after_help = "Example: turbo bench hop --calls 100000 --json")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Round trips of one 8-byte message between two threads and two processes.
    Hop(HopArgs),
    /// The answering process of a pair; started by the program itself.
    #[command(hide = true)]
    Answer {
        /// Name of the peer, and what its end needs.
        words: Vec<String>,
    },
}

/// Round trips of one 8-byte message between two threads and two processes.
#[derive(clap::Args)]
#[command(after_help = "Example: turbo bench hop --calls 100000 --placement other-core --json")]
struct HopArgs {
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
    /// Leave out the peers that are Python programs.
    #[arg(long)]
    no_python: bool,
    #[command(flatten)]
    output: Output,
}

/// How a report leaves the program.
#[derive(clap::Args)]
struct Output {
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Fail where a claimed ratio does not hold in this run.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Placements {
    Both,
    SameCore,
    OtherCore,
}

fn count(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|&count| count >= 1).ok_or_else(|| format!("{text:?} is not a number of at least 1"))
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Hop(args) => hop(&args),
        What::Answer { words } => peers::answer_as(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("turbo bench: {error}");
            ExitCode::from(if matches!(error, BenchError::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn hop(args: &HopArgs) -> Result<()> {
    let mut pairs = peers::pairs();
    if !args.no_python {
        pairs.extend(peers::python::pairs());
    }
    let options = Options {
        plan: Plan { warm_up: args.warm_up, calls: args.calls },
        rounds: args.rounds,
        slow_rounds: args.slow_rounds,
        placements: match args.placement {
            Placements::Both => vec![Placement::SameCore, Placement::OtherCore],
            Placements::SameCore => vec![Placement::SameCore],
            Placements::OtherCore => vec![Placement::OtherCore],
        },
        only: args.only.clone(),
    };
    let host = Host::look();
    let report = Report { host, ..run(&pairs, &options)? };
    args.output.print(&report)
}

impl Output {
    fn print(&self, report: &Report) -> Result<()> {
        if self.json {
            let json = serde_json::to_string(report).map_err(BenchError::library("writing JSON"))?;
            println!("{json}");
        } else {
            print!("{}", report.table());
        }
        let broken = report.broken();
        if self.check && !broken.is_empty() {
            return Err(BenchError::Library { what: "claims that did not hold", reason: broken.join(", ") });
        }
        Ok(())
    }
}
