//! What a run has told: its event log, read back.

use std::path::{Path, PathBuf};

use rt_core::clock::{ClockAnchor, Monotonic, UnixTime};
use telemetry::events::{EventFile, NoteReader};
use telemetry::subscribe::{Filter, event_line, note_line};

use super::print::{Printer, Stop};
use crate::event_log::EVENTS_DIR;
use crate::failure::Failure;

/// Prints the events and notes of the run in `dir` that `filter` lets through, those after `until` left out.
///
/// # Errors
/// [`Failure::Config`] where there is no event log; [`Failure::Run`], after all the others were printed, where a file
/// cannot be read.
pub fn print(dir: &Path, filter: &Filter, until: Option<Monotonic>, printer: &mut Printer) -> Result<(), Stop> {
    let files = files(dir)?;
    let mut unread = 0;
    // A note may begin in one file and end in the next.
    let mut notes = NoteReader::default();
    for path in &files {
        if let Err(stop) = print_file(path, filter, until, &mut notes, printer) {
            let Stop::Failed(failure) = stop else { return Err(stop) };
            unread += 1;
            printer.flush()?;
            eprintln!("turbo: {failure}");
        }
    }
    match unread {
        0 => Ok(()),
        _ => Err(Failure::Run(format!("{unread} of {} files of the event log cannot be read", files.len())).into()),
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let events = dir.join(EVENTS_DIR);
    let entries = std::fs::read_dir(&events).map_err(|error| {
        Failure::Config(format!(
            "{}: no event log: {error}; expected the first run directory of a car (client_main_...) or cloud \
             (server_main_...), whose profile allows the event log some room",
            events.display()
        ))
    })?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    // Numbered in the order of time, which days are not where the clock was set back.
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.rsplit_once('_')?.1.parse::<u64>().ok();
    files.sort_by_key(number);
    Ok(files)
}

fn print_file(
    path: &Path,
    filter: &Filter,
    until: Option<Monotonic>,
    notes: &mut NoteReader,
    printer: &mut Printer,
) -> Result<(), Stop> {
    let mut file = EventFile::open(path).map_err(Failure::run)?;
    let header = file.header();
    let number = |key: &str| header.get("anchor")?.get(key)?.as_u64();
    let Some((unix, monotonic)) = number("unix_ns").zip(number("monotonic_ns")) else {
        return Err(Failure::Run(format!("{}: its header has no clocks", path.display())).into());
    };
    let anchor = ClockAnchor { unix: UnixTime::from_ns(unix), monotonic: Monotonic::from_ns(monotonic) };
    let names: Vec<String> = header
        .get("sources")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .map(|name| name.as_str().unwrap_or_default().to_owned())
        .collect();
    for event in file.by_ref() {
        let event = event.map_err(|error| Failure::Run(format!("{}: {error}", path.display())))?;
        if until.is_some_and(|until| event.at > until) || !filter.event(event.kind) {
            continue;
        }
        if event.kind.note().is_some() {
            notes.take(&event).map_or(Ok(()), |note| printer.line(&note_line(&note, &anchor)))?;
            continue;
        }
        let source = names.get(usize::from(event.source)).map_or("", String::as_str);
        printer.line(&event_line(&event, source, &anchor))?;
    }
    if file.unknown() > 0 {
        printer.flush()?;
        eprintln!("turbo: {}: {} events of a kind that this version does not know", path.display(), file.unknown());
    }
    Ok(())
}
