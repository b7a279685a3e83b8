//! `turbo recover`: parts of what dead runs left in their journals.

use std::path::PathBuf;

use serde::Serialize;
use telemetry::journal::{Outcome, RecoveryReport, recover};

use crate::failure::Failure;

/// Complete the logs of runs that were killed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo recover runs --json\n\n\
    What a run had logged when it was killed, and was not yet a part, becomes one. Runs that are still going on are not\n\
    touched; doing it again changes nothing. Every start of turbo car and turbo cloud does the same with their output\n\
    directory.")]
pub struct RecoverArgs {
    /// A run's directory, or one that holds runs.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    run: String,
    #[serde(flatten)]
    report: &'a RecoveryReport,
}

/// Recovers and tells of each journal.
///
/// # Errors
/// [`Failure::Config`] for a path that is no directory; [`Failure::Run`] where a journal remains that should not.
pub fn run(args: &RecoverArgs) -> Result<(), Failure> {
    let run = args.run.display();
    let metadata = std::fs::metadata(&args.run).map_err(|error| Failure::Config(format!("{run}: {error}")))?;
    if !metadata.is_dir() {
        return Err(Failure::Config(format!("{run}: not a directory; a run's directory, or one of runs, is wanted")));
    }
    let report = recover(&args.run);
    if args.json {
        let answer = Answer { run: run.to_string(), report: &report };
        println!("{}", serde_json::to_string(&answer).map_err(Failure::run)?);
    } else {
        print(&report);
    }
    match report.failed + report.left_alone {
        0 => Ok(()),
        count => Err(Failure::Run(format!("{run}: {count} journal(s) could not be recovered"))),
    }
}

fn print(report: &RecoveryReport) {
    report.journals.iter().for_each(|journal| println!("{journal}"));
    let RecoveryReport { rows_recovered, parts_written, records_discarded, in_use, .. } = report;
    print!("{rows_recovered} rows recovered to {parts_written} parts");
    if *records_discarded > 0 {
        print!(", {records_discarded} damaged records discarded");
    }
    if *in_use > 0 {
        print!(", {in_use} logs of running processes not touched");
    }
    println!();
}

/// Does the same for an output directory at a process's start, on a thread of its own: nothing waits for it, and where
/// the process ends first, the next start goes on.
pub fn recover_earlier_runs(output_dir: PathBuf) {
    let tell = move || {
        let telling = [Outcome::Recovered, Outcome::AlreadyInParts, Outcome::LeftAlone, Outcome::Failed];
        let report = recover(&output_dir);
        for journal in report.journals.iter().filter(|journal| telling.contains(&journal.outcome)) {
            telemetry::say!("an earlier run: {journal}");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("recovery".to_owned()).spawn(tell) {
        telemetry::say!("turbo: earlier runs are not recovered: no thread: {error}");
    }
}
