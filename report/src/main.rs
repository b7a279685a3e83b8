//! `turbo-report`: the program behind `turbo report`.

use std::process::ExitCode;

use clap::Parser;
use turbo_report::cli::Cli;

/// A run's logs are hundreds of thousands of small files, each of which takes some hundred small pieces of memory to read:
/// with the C library's allocator that is a fifth slower.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
