//! What happens to a link and when: commands with their times, played in virtual or in real time.

mod error;
mod player;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::command::{Command, CommandError, Word, Words, command, duration};
pub use error::{ScriptError, ScriptProblem};
pub use player::Player;

/// A command and its time since the script's start.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedCommand {
    /// Since the start.
    pub at: Duration,
    /// What then happens.
    pub command: Command,
}

/// Commands in the order of their times, once or again and again. Cheap to clone.
///
/// ```
/// use transport::link::{Player, Script};
/// use rt_core::clock::Monotonic;
/// use std::{path::Path, time::Duration};
/// let script = Script::parse("0s rate up 10\n20s rate up 3   # a dip\n25s repeat\n", "dips", Path::new("."))?;
/// assert_eq!(script.period(), Some(Duration::from_secs(25)));
/// let mut player = Player::new(script, Monotonic::ZERO);
/// let late = Monotonic::from_ns(46_000_000_000);
/// let times: Vec<u64> = std::iter::from_fn(|| player.take(late)).map(|(at, _)| at.as_ns() / 1_000_000_000).collect();
/// assert_eq!(times, [0, 20, 25, 45]);
/// # Ok::<(), transport::link::ScriptError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    events: Arc<[TimedCommand]>,
    period: Option<Duration>,
}

impl Script {
    /// Reads a script: one line per event, its time since the start and a [`Command`], in the order of time. A last
    /// line `TIME repeat` lets it begin again at that time. Blank lines and what follows a `#` are passed over. `name`
    /// is what errors call it; relative trace files are looked for in `folder`.
    ///
    /// # Errors
    /// Names the line, the column, the text found there and what would be right.
    pub fn parse(text: &str, name: &str, folder: &Path) -> Result<Self, ScriptError> {
        let mut reader = Reader::default();
        for (line, number) in text.lines().zip(1..) {
            reader.read(line, number, folder).map_err(|fault| ScriptError::Line {
                name: name.to_owned(),
                line: number,
                column: fault.column,
                text: fault.text,
                problem: fault.problem,
            })?;
        }
        Ok(Self { events: reader.events.into(), period: reader.period.map(|(period, _)| period) })
    }

    /// As [`Script::parse`], from a file, in whose folder traces are looked for.
    ///
    /// # Errors
    /// As [`Script::parse`], and where the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| ScriptError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new(".")))
    }

    /// Commands in the order given, which has to be that of their times, and the time after which they begin again.
    #[must_use]
    pub fn new(events: Vec<TimedCommand>, period: Option<Duration>) -> Option<Self> {
        let last = events.last().map_or(Duration::ZERO, |event| event.at);
        let bearable = period.is_none_or(|period| period > Duration::ZERO && period >= last);
        (bearable && events.is_sorted_by_key(|event| event.at)).then(|| Self { events: events.into(), period })
    }

    /// The events of one round.
    #[must_use]
    pub fn events(&self) -> &[TimedCommand] {
        &self.events
    }

    /// The time after which it begins again; `None` where it does not.
    #[must_use]
    pub const fn period(&self) -> Option<Duration> {
        self.period
    }
}

/// A fault within a line.
struct Fault {
    column: usize,
    text: String,
    problem: ScriptProblem,
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Self {
        Self { column: error.column, text: error.text, problem: error.problem.into() }
    }
}

#[derive(Default)]
struct Reader {
    events: Vec<TimedCommand>,
    /// The latest time so far, and its line.
    latest: (Duration, usize),
    /// The time of `repeat`, and its line.
    period: Option<(Duration, usize)>,
}

impl Reader {
    fn read(&mut self, line: &str, number: usize, folder: &Path) -> Result<(), Fault> {
        let mut words = Words::of(line);
        let Some(time) = words.next() else { return Ok(()) };
        let fault = |word: Word<'_>, problem| Fault { column: word.column, text: word.shown(), problem };
        if let Some((_, repeated)) = self.period {
            return Err(fault(time, ScriptProblem::AfterRepeat(repeated)));
        }
        let at = duration(time.text).ok_or_else(|| fault(time, ScriptProblem::Time))?;
        let (previous, previous_line) = self.latest;
        if at < previous {
            return Err(fault(time, ScriptProblem::Earlier { previous, previous_line }));
        }
        self.latest = (at, number);
        if words.next_is("repeat") {
            if at.is_zero() {
                return Err(fault(time, ScriptProblem::RepeatAtZero));
            }
            self.period = Some((at, number));
            Ok(words.finish()?)
        } else {
            self.events.push(TimedCommand { at, command: command(&mut words, folder)? });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
