//! Lines for people, or as they came.

use std::borrow::Cow;
use std::io::{BufWriter, ErrorKind, Stdout, Write};

use serde::Deserialize;
use telemetry::run_clock::local_timestamp;

use crate::failure::Failure;
use crate::live::escaped;

/// Why nothing more is printed.
pub enum Stop {
    /// As much as was asked for, or nobody reads it any more.
    Enough,
    /// Something is wrong.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            // Such as `turbo tail | head`.
            ErrorKind::BrokenPipe => Self::Enough,
            _ => Self::Failed(Failure::Run(format!("standard output: {error}"))),
        }
    }
}

/// What every line has.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    at_unix_s: f64,
    #[serde(borrow)]
    severity: Cow<'a, str>,
    #[serde(borrow)]
    subsystem: Cow<'a, str>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// Prints and counts lines.
pub struct Printer {
    out: BufWriter<Stdout>,
    json: bool,
    left: Option<u64>,
    ended: bool,
}

impl Printer {
    /// Prints so many lines at the most, beside those that say where they begin and end.
    pub fn new(json: bool, count: Option<u64>) -> Self {
        Self { out: BufWriter::new(std::io::stdout()), json, left: count, ended: false }
    }

    /// Prints one.
    ///
    /// # Errors
    /// [`Stop::Enough`] after the last.
    pub fn line(&mut self, line: &str) -> Result<(), Stop> {
        let told: Told<'_> = serde_json::from_str(line)
            .map_err(|error| Failure::Run(format!("a line that this version does not understand: {error}: {line}")))?;
        if self.left == Some(0) {
            return Err(Stop::Enough);
        }
        self.ended |= told.r#type == "end";
        if self.json {
            writeln!(self.out, "{line}")?;
        } else if told.r#type == "begin" {
            eprintln!("tail: {}", escaped(&told.text));
        } else {
            let Told { at_unix_s, severity, subsystem, topic, text, .. } = &told;
            writeln!(self.out, "{} {severity:<7} {subsystem}/{topic}: {}", clock(*at_unix_s), escaped(text))?;
        }
        if told.r#type != "begin" && told.r#type != "end" {
            self.left = self.left.map(|left| left - 1);
            if self.left == Some(0) {
                self.flush()?;
                return Err(Stop::Enough);
            }
        }
        Ok(())
    }

    /// Has what was printed be seen.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }

    /// Whether a line said that nothing follows.
    pub const fn heard_the_end(&self) -> bool {
        self.ended
    }
}

/// The time of day, to the millisecond.
fn clock(unix_s: f64) -> String {
    let whole = unix_s.floor();
    let day = local_timestamp(whole as i64).unwrap_or_default();
    let time = day.split_once('_').map(|(_, time)| time.replace('-', ":")).unwrap_or_default();
    format!("{time}.{:03}", ((unix_s - whole) * 1e3) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_has_milliseconds() {
        let shown = clock(1_700_000_000.25);
        assert!(shown.ends_with(".250") && shown.split(':').count() == 3, "{shown}");
    }
}
