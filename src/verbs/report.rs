//! `turbo report`: `turbo-report`, the program that analyses a run's logs with what analysis needs.

use std::ffi::OsString;

use crate::companion::Companion;
use crate::failure::Failure;

const PROGRAM: Companion =
    Companion { program: "turbo-report", why: "with the library it analyses logs with (ten minutes on two cores)" };

/// Say where the time of a run went, from its logs; or check them.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  turbo report runs                  the newest run below runs/\n  turbo report RUN --html run.html\n  \
                  turbo report RUN --compare RUN2\n  turbo report --verify RUN --json\n\nArguments: RUN..., --json, --compare \
                  RUN2, --verify, and files to write: --html, --perfetto, --mcap, --prometheus.\n`turbo-report --help` \
                  tells each."
)]
pub struct ReportArgs {
    /// What `turbo-report` takes: a run directory, and what is wanted of it.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN [ARGS]")]
    pub words: Vec<OsString>,
}

/// Becomes `turbo-report`: its exit code and output are the verb's.
///
/// # Errors
/// [`Failure::Run`] where there is no such program and none can be built.
pub fn run(args: &ReportArgs) -> Result<(), Failure> {
    PROGRAM.run(&args.words)
}
