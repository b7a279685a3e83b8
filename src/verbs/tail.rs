//! `turbo tail`: what a car or cloud tells, as it tells it.

use std::path::Path;
use std::time::Duration;

use telemetry::events::Severity;
use telemetry::subscribe::Filter;

use crate::failure::Failure;
use crate::{live, quantities, tail};

/// Follow what a running car or cloud tells, or read what a run has told.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n\
    \x20 turbo tail                               the car that runs on this machine\n\
    \x20 turbo tail cloud --severity debug --topic hop --count 20\n\
    \x20 turbo tail runs/client_main_2026-11-21_18-50-01 --json --topic 'dec*' --topic dropped\n\
    \n\
    Given a run directory, it prints what lies in the run's event log and, where the run is still going on, what\n\
    comes. A tail that reads too slowly loses lines of its own, is told how many, and slows nobody.\n\
    docs/live.md lists subsystems, topics and the keys of --json.")]
pub struct TailArgs {
    /// Which one: its name (car-1234), its number, `car`, `cloud`, `link`, its run directory or the path of its socket;
    /// the only car without it.
    #[arg(value_name = "CAR|CLOUD|LINK|RUN_DIR|SOCKET")]
    pub target: Option<String>,
    /// The least severe that is shown: debug, info, warning or error.
    #[arg(long, value_name = "LEVEL", default_value_t = Severity::Info)]
    pub severity: Severity,
    /// Only what this part of the program tells; a name or a pattern (* and ?), again for each.
    #[arg(long, value_name = "NAME")]
    pub subsystem: Vec<String>,
    /// Only this topic; a name or a pattern (* and ?), again for each.
    #[arg(long, value_name = "NAME")]
    pub topic: Vec<String>,
    /// End after so many lines.
    #[arg(long, value_name = "N", value_parser = quantities::whole::<u64>("number of lines", 1..=u64::MAX, "20"))]
    pub count: Option<u64>,
    /// End after this long (30s, 2m, 500ms).
    #[arg(long = "for", value_name = "DURATION", value_parser = quantities::run_length)]
    pub run_for: Option<Duration>,
    /// Print each as a line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// Prints until the run is over, or as much as was asked for.
///
/// # Errors
/// [`Failure::Usage`] for a filter that matches nothing there is, or where several runs could be meant;
/// [`Failure::Run`] where there is none, or it goes away without a word.
pub fn run(args: &TailArgs) -> Result<(), Failure> {
    let filter = Filter::new(args.severity, &args.subsystem, &args.topic)
        .map_err(|error| Failure::Usage(format!("--{error}")))?;
    let wanted = tail::Wanted { filter, words: words(args), count: args.count, run_for: args.run_for, json: args.json };
    match args.target.as_deref().map(Path::new).filter(|path| path.is_dir()) {
        Some(dir) => tail::of_run(dir, live::of_run(dir, "tail")?, wanted),
        None => tail::of_process(&live::choose(args.target.as_deref(), "tail")?, wanted),
    }
}

/// The filters as the socket takes them.
fn words(args: &TailArgs) -> String {
    let mut words = format!("severity={}", args.severity);
    for (key, patterns) in [("subsystem", &args.subsystem), ("topic", &args.topic)] {
        if !patterns.is_empty() {
            words.push_str(&format!(" {key}={}", patterns.join(",")));
        }
    }
    words
}
