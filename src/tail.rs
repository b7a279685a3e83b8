//! Prints what a process tells: from its run's event log, from its socket, or first the one and then the other.

mod past;
mod print;

use std::path::Path;
use std::time::Duration;

use rt_core::clock::Monotonic;
use telemetry::subscribe::Filter;

use crate::control::{Client, Heard, Lines};
use crate::failure::Failure;
use crate::live::Found;
use print::{Printer, Stop};

/// The beginning of a subscription comes at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be shown, and for how long.
pub struct Wanted {
    /// What is let through.
    pub filter: Filter,
    /// The same, as the socket takes it.
    pub words: String,
    /// So many lines at the most.
    pub count: Option<u64>,
    /// For so long at the most.
    pub run_for: Option<Duration>,
    /// As JSON, or for people.
    pub json: bool,
}

/// Follows a running process.
///
/// # Errors
/// [`Failure::Run`] where it refuses, or goes away without a word of the end.
pub fn of_process(found: &Found, wanted: Wanted) -> Result<(), Failure> {
    let until = wanted.run_for.map(|length| Monotonic::now().plus(length));
    let mut printer = Printer::new(wanted.json, wanted.count);
    let lines = subscribe(found, &wanted)?;
    finish(follow(lines, &found.name, &mut printer, until, None))
}

/// Prints a run's event log, and then follows the run where it is going on in the process `found`.
///
/// # Errors
/// [`Failure::Config`] where `dir` has no event log, [`Failure::Run`] where a file of it cannot be read, and as
/// [`of_process`].
pub fn of_run(dir: &Path, found: Option<Found>, wanted: Wanted) -> Result<(), Failure> {
    let until = wanted.run_for.map(|length| Monotonic::now().plus(length));
    let mut printer = Printer::new(wanted.json, wanted.count);
    let Some(found) = found else {
        return finish(past::print(dir, &wanted.filter, None, &mut printer).and_then(|()| Ok(printer.flush()?)));
    };
    // First the subscription, then the files: the one begins where the other is to end.
    let mut lines = subscribe(&found, &wanted)?;
    let begin = match lines.next(Some(Monotonic::now().plus(PATIENCE)))? {
        Heard::Line(line) => line,
        Heard::Nothing => return Err(Failure::Run(format!("{} tells nothing: is it stopped?", found.name))),
        Heard::Closed => return Err(gone(&found.name)),
    };
    let after = serde_json::from_str::<serde_json::Value>(&begin).ok().and_then(|line| line.get("after_ns")?.as_u64());
    // A directory above the run's is not the run's.
    let run = found.who.as_ref().and_then(|who| who.run_dir.as_deref()).unwrap_or(dir);
    let (told, from_log) = match past::print(run, &wanted.filter, after.map(Monotonic::from_ns), &mut printer) {
        // A run whose profile allows the event log nothing is told to subscribers alone.
        Err(Stop::Failed(Failure::Config(_))) => (Ok(()), false),
        other => (other, true),
    };
    finish(told.and_then(|()| {
        printer.line(&begin)?;
        follow(lines, &found.name, &mut printer, until, after.filter(|_| from_log))
    }))
}

/// Whether it is one of the notes that a subscriber is told again, and that the event log has.
fn is_in_the_log(line: &str, after_ns: u64) -> bool {
    let told: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let is_note = |told: &serde_json::Value| told.get("type").and_then(serde_json::Value::as_str) == Some("note");
    let at_ns = told.filter(is_note).and_then(|told| told.get("at_ns")?.as_u64());
    at_ns.is_some_and(|at_ns| at_ns <= after_ns)
}

fn subscribe(found: &Found, wanted: &Wanted) -> Result<Lines, Failure> {
    Client::connect(&found.path)?.stream(&format!("subscribe events {}", wanted.words))
}

fn gone(name: &str) -> Failure {
    Failure::Run(format!("{name} went away without a word: it was killed, or this connection was ended"))
}

/// Prints what comes; of notes until `after_ns`, where that is given, the event log has told.
fn follow(
    mut lines: Lines,
    name: &str,
    printer: &mut Printer,
    until: Option<Monotonic>,
    after_ns: Option<u64>,
) -> Result<(), Stop> {
    loop {
        if !lines.has_more() {
            printer.flush()?;
        }
        match lines.next(until)? {
            Heard::Line(line) if after_ns.is_some_and(|after_ns| is_in_the_log(&line, after_ns)) => {}
            Heard::Line(line) => printer.line(&line)?,
            Heard::Nothing => return Ok(printer.flush()?),
            Heard::Closed if printer.heard_the_end() => return Ok(printer.flush()?),
            Heard::Closed => return Err(Stop::Failed(gone(name))),
        }
    }
}

/// Whoever has seen enough has succeeded.
fn finish(outcome: Result<(), Stop>) -> Result<(), Failure> {
    match outcome {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}
