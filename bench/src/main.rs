//! `turbo-bench`: the program behind `turbo bench`.

use std::process::ExitCode;

use clap::Parser;
use turbo_bench::cli::Bench;
use turbo_bench::heap::Counting;

/// Heap calls of the hand-overs are a number that is reported.
#[global_allocator]
static HEAP: Counting = Counting;

fn main() -> ExitCode {
    Bench::parse().run()
}
