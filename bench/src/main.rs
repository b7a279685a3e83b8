//! `turbo-bench`: the program behind `turbo bench`.

use std::process::ExitCode;

use clap::Parser;
use turbo_bench::cli::Bench;

// Heap calls of the hand-overs are a number that is reported.
testkit::count_heap!();

fn main() -> ExitCode {
    Bench::parse().run()
}
