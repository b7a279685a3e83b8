//! `turbo top`: the state of a running car, cloud or link, renewed every second.

use crate::failure::Failure;
use crate::{live, top};

/// Watch a running car, cloud or link: threads and their cores, hand-overs and rings, hops, allocation, link, decisions,
/// gateway and workers, losses.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n\
    \x20 turbo top                      the car that runs on this machine; q ends it\n\
    \x20 turbo top cloud               its gateway and workers\n    \x20 turbo top link                 the emulated link of turbo link or turbo demo\n\
    \x20 turbo top --once --json        one snapshot as one JSON object\n\
    \n\
    Counts are of the whole run, quantiles of the last 10 to 20 s, rates of the last second.\n\
    docs/live.md lists the keys of --json.")]
pub struct TopArgs {
    /// Which one: its name (car-1234), its number, `car`, `cloud`, `link`, its run directory or the path of its socket;
    /// the only car without it.
    #[arg(value_name = "CAR|CLOUD|LINK|RUN_DIR|SOCKET")]
    pub target: Option<String>,
    /// Print one snapshot and end.
    #[arg(long)]
    pub once: bool,
    /// Print it as one JSON object.
    #[arg(long, requires = "once")]
    pub json: bool,
}

/// Shows one snapshot, or one after the other until `q`, Ctrl-C or the end of the run.
///
/// # Errors
/// [`Failure::Usage`] where several runs could be meant, or there is no terminal to draw on; [`Failure::Run`] where there
/// is no run, or it goes away without a word.
pub fn run(args: &TopArgs) -> Result<(), Failure> {
    let found = live::choose(args.target.as_deref(), "top")?;
    if args.once { top::once(&found, args.json) } else { top::watch(&found) }
}
