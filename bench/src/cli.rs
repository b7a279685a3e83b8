//! The command lines of both programs, `turbo-bench` and `turbo-soak`.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{BenchError, Result};
use crate::frame::{self, FrameReport, Pace};
use crate::hop::{self, Plan};
use crate::host::Host;
use crate::report::Report;
use crate::seat::Placement;
use crate::{peers, soak};

/// Measures turbo's hand-overs beside what one would otherwise use, in one run on this machine.
#[derive(Parser)]
#[command(name = "turbo bench", version, after_help = "Example: turbo bench hop --calls 100000 --json")]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

/// Soaks the hand-overs with faults.
#[derive(Parser)]
#[command(name = "turbo-soak", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Example: turbo-soak --seconds 60 --json")]
pub struct Soak {
    #[command(flatten)]
    args: SoakArgs,
    #[command(subcommand)]
    inner: Option<Inner>,
}

#[derive(Subcommand)]
enum What {
    /// Round trips of one 8-byte message between two threads and two processes.
    Hop(HopArgs),
    /// Hand-over of frames from 8 B to 50 MB, and what one costs in system calls, heap calls and copies.
    Frame(FrameArgs),
    /// Real hand-overs with faults, every descriptor accounted for, memory flat.
    Soak(SoakArgs),
    #[command(flatten)]
    Inner(Inner),
}

/// What the program starts itself with.
#[derive(Subcommand)]
enum Inner {
    /// The answering process of a pair.
    #[command(hide = true)]
    Answer {
        /// Name of the peer, and what its end needs.
        words: Vec<String>,
    },
    /// The hand-overs alone, to be counted.
    #[command(hide = true)]
    HandOver {
        /// Frames that count.
        frames: u64,
        /// How they follow one another.
        pace: Pace,
    },
}

#[derive(Args)]
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
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
#[command(after_help = "Example: turbo bench frame --bytes 6220800 --json")]
struct FrameArgs {
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

#[derive(Args)]
#[command(after_help = "Example: turbo bench soak --seconds 60 --json")]
struct SoakArgs {
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

/// How a report leaves the program.
#[derive(Args)]
struct Output {
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Fail where a claimed ratio does not hold in this run.
    #[arg(long)]
    check: bool,
    /// Leave out the peers that are Python programs.
    #[arg(long)]
    no_python: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Placements {
    Both,
    SameCore,
    OtherCore,
}

fn count(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|&count| count >= 1).ok_or_else(|| format!("{text:?} is not a number of at least 1"))
}

fn size(text: &str) -> std::result::Result<usize, String> {
    let size = text.parse().ok().filter(|size| (8..=50_000_000).contains(size));
    size.ok_or_else(|| format!("{text:?} is not a size from 8 to 50000000 bytes"))
}

impl Bench {
    /// Does what the command line says.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        exit(
            "turbo bench",
            match &self.what {
                What::Hop(args) => args.run(),
                What::Frame(args) => args.run(),
                What::Soak(args) => args.run(),
                What::Inner(inner) => inner.run(),
            },
        )
    }
}

impl Soak {
    /// Does what the command line says.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        exit("turbo-soak", self.inner.as_ref().map_or_else(|| self.args.run(), Inner::run))
    }
}

fn exit(program: &str, done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::from(if matches!(error, BenchError::Usage(_)) { 2 } else { 1 })
        }
    }
}

impl Inner {
    fn run(&self) -> Result<()> {
        match self {
            Self::Answer { words } => peers::answer_as(words),
            Self::HandOver { frames, pace } => print_json(&frame::hand_over(*frames, *pace)?),
        }
    }
}

impl HopArgs {
    fn run(&self) -> Result<()> {
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

impl FrameArgs {
    fn run(&self) -> Result<()> {
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

impl SoakArgs {
    fn run(&self) -> Result<()> {
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

impl Output {
    fn print<T: serde::Serialize>(&self, whole: &T, report: &Report, table: String) -> Result<()> {
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

fn print_json<T: serde::Serialize>(value: &T) -> Result<()> {
    println!("{}", serde_json::to_string(value).map_err(BenchError::library("writing JSON"))?);
    Ok(())
}
