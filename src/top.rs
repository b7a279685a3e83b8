//! Shows a process's snapshots: one as text, or the newest on a terminal.
//!
//! The terminal is drawn with a handful of escape sequences of ECMA-48 and three system calls, because that is all that
//! tables renewed once a second need.

mod head;
mod rates;
mod screen;
mod table;
mod tables;
mod terminal;

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use telemetry::subscribe::Picture;

use crate::control::{Client, Heard, Lines};
use crate::failure::Failure;
use crate::live::Found;
use crate::signals;
use rates::Rates;
use terminal::{Key, Terminal};

/// A snapshot comes at once, and then every second.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon a key is answered.
const LOOK: Duration = Duration::from_millis(50);

/// Prints the first snapshot.
///
/// # Errors
/// [`Failure::Run`] where none comes.
pub fn once(found: &Found, json: bool) -> Result<(), Failure> {
    let mut lines = subscribe(found)?;
    let until = Monotonic::now().plus(PATIENCE);
    loop {
        match lines.next(Some(until))? {
            Heard::Line(line) => {
                let Some(picture) = picture(&line)? else { continue };
                let text = if json { line } else { tables::text(&picture, &Rates::default()) };
                return print(&text);
            }
            Heard::Nothing => return Err(silent(found)),
            Heard::Closed => return Err(gone(found)),
        }
    }
}

/// Shows the newest snapshot on the terminal until somebody has seen enough, or the run is over.
///
/// # Errors
/// [`Failure::Usage`] where there is no terminal, [`Failure::Run`] where the process goes away without a word.
pub fn watch(found: &Found) -> Result<(), Failure> {
    let stop = StopToken::default();
    let mut lines = subscribe(found)?;
    let mut terminal = Terminal::take()?;
    // After the terminal is known to be one: the thread that waits for signals lives as long as the process.
    let hangup = signals::stop_or_renew_on_signals(&stop)?;
    let end = draw(&mut lines, &mut terminal, || stop.is_set() || hangup.take(), found);
    // Before anything is said: it would be said on a screen that is about to go.
    drop(terminal);
    if end? {
        eprintln!("top: the run of {} is over", found.name);
    }
    Ok(())
}

/// Whether it was the run that ended.
fn draw(
    lines: &mut Lines,
    terminal: &mut Terminal,
    stopped: impl Fn() -> bool,
    found: &Found,
) -> Result<bool, Failure> {
    let mut rates = Rates::default();
    let mut newest: Option<Picture> = None;
    let (mut skipped, mut silent_since, mut drawn) = (0_usize, Monotonic::now(), None);
    loop {
        let mut changed = false;
        match lines.next(Some(Monotonic::now().plus(LOOK)))? {
            Heard::Line(line) if is_end(&line) => return Ok(true),
            Heard::Line(line) => {
                if let Some(picture) = picture(&line)? {
                    rates.follow(&picture);
                    (newest, changed, silent_since) = (Some(picture), true, Monotonic::now());
                }
            }
            Heard::Nothing => {}
            Heard::Closed => return Err(gone(found)),
        }
        while let Some(key) = terminal.key()? {
            match key {
                Key::Quit => return Ok(false),
                Key::Down => skipped += 1,
                Key::Up => skipped = skipped.saturating_sub(1),
                Key::Other => {}
            }
            changed = true;
        }
        if stopped() {
            return Ok(false);
        }
        let size = terminal.size()?;
        let silent = Monotonic::now().saturating_since(silent_since) > PATIENCE;
        if changed || drawn != Some((size, silent)) {
            let screen = match &newest {
                None => screen::message(&format!("waiting for {}", found.name), size),
                Some(picture) => screen::of(picture, &rates, silent, &mut skipped, size),
            };
            terminal.show(&screen)?;
            drawn = Some((size, silent));
        }
    }
}

fn subscribe(found: &Found) -> Result<Lines, Failure> {
    Client::connect(&found.path)?.stream("subscribe snapshots")
}

/// The snapshot of a line; `None` for a line that is about the subscription.
fn picture(line: &str) -> Result<Option<Picture>, Failure> {
    let wrong =
        |error: serde_json::Error| Failure::Run(format!("a snapshot that this version does not understand: {error}"));
    let value: serde_json::Value = serde_json::from_str(line).map_err(wrong)?;
    if value.get("type").and_then(serde_json::Value::as_str) != Some("snapshot") {
        return Ok(None);
    }
    serde_json::from_value(value).map(Some).map_err(wrong)
}

fn is_end(line: &str) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
    value.is_some_and(|value| value.get("topic").and_then(serde_json::Value::as_str) == Some("end"))
}

fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::run(error)),
        _ => Ok(()),
    }
}

fn silent(found: &Found) -> Failure {
    Failure::Run(format!("{} sends no snapshot within {} s: is it stopped?", found.name, PATIENCE.as_secs()))
}

fn gone(found: &Found) -> Failure {
    Failure::Run(format!("{} went away without a word: it was killed, or this connection was ended", found.name))
}
