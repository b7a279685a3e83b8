//! `turbo-report`: the program behind `turbo report`.

use std::process::ExitCode;

use clap::Parser;
use turbo_report::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
