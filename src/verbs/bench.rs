//! `turbo bench`: `turbo-bench`, the program that holds the measurements and the peers they need.

use std::ffi::OsString;

use crate::companion::Companion;
use crate::failure::Failure;

const PROGRAM: Companion =
    Companion { program: "turbo-bench", why: "with the peers it compares turbo with (a minute or two)" };

/// Measure the hand-overs beside what one would otherwise use, or soak them with faults.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example: turbo bench hop --calls 100000 --json\n`turbo bench hop --help` tells what hop takes."
)]
pub struct BenchArgs {
    /// What to run (hop, frame, soak, transport, gateway, allocate or telemetry) and its own arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "NAME [ARGS]")]
    pub words: Vec<OsString>,
}

/// Becomes `turbo-bench`: its exit code and output are the verb's.
///
/// # Errors
/// [`Failure::Run`] where there is no such program and none can be built.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    PROGRAM.run(&args.words)
}
