//! `turbo-soak`: `turbo bench soak` as a program of its own.

use std::process::ExitCode;

use clap::Parser;
use turbo_bench::cli::Soak;

fn main() -> ExitCode {
    Soak::parse().run()
}
