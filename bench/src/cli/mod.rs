//! The command lines of both programs, `turbo-bench` and `turbo-soak`.

mod allocate;
mod frame;
mod gateway;
mod hop;
mod output;
mod soak;
mod telemetry;
mod transport;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::{BenchError, Result};
use crate::frame::{Pace, hand_over};
use crate::peers;
use allocate::AllocateArgs;
use frame::FrameArgs;
use gateway::GatewayArgs;
use hop::HopArgs;
use output::print_json;
use soak::SoakArgs;
use telemetry::TelemetryArgs;
use transport::TransportArgs;

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
    /// One division of the uplink, by turbo's exact solver and by mixed-integer solvers.
    Allocate(AllocateArgs),
    /// Frames on time over links in virtual time, carrier beside carrier.
    Transport(TransportArgs),
    /// What a car costs the gateway, from ten of them to a thousand.
    Gateway(GatewayArgs),
    /// Records a second from many threads, through the collector into the event log.
    Telemetry(TelemetryArgs),
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
    /// A gateway for cars of another process.
    #[command(hide = true, name = crate::gateway::VERB)]
    ServeGateway {
        /// Where its certificates are.
        dir: std::path::PathBuf,
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
                What::Transport(args) => args.run(),
                What::Gateway(args) => args.run(),
                What::Allocate(args) => args.run(),
                What::Telemetry(args) => args.run(),
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
            Self::ServeGateway { dir } => crate::gateway::serve(dir),
            Self::HandOver { frames, pace } => print_json(&hand_over(*frames, *pace)?),
        }
    }
}

fn count(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|&count| count >= 1).ok_or_else(|| format!("{text:?} is not a number of at least 1"))
}
