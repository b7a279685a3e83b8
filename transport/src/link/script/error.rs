//! Why a script was refused, down to the line and column.

use std::path::PathBuf;
use std::time::Duration;

use crate::link::command::CommandProblem;

/// A script that cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file could not be read.
    #[error("{}: cannot read the script: {source}; a UTF-8 text file is wanted", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A line is not a time and a command.
    #[error("{name}:{line}:{column}: {text:?} {problem}")]
    Line {
        /// The script's name, usually the file.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column of the first character of `text`, from 1.
        column: usize,
        /// What stands there, shortened to 40 characters.
        text: String,
        /// What is wrong with it, and what would be right.
        problem: ScriptProblem,
    },
}

/// What is wrong with one line of a script.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScriptProblem {
    /// It does not begin with a time.
    #[error(
        "is no time; a line is a time since the start and a command, such as \"10s rate up 3\", and the time has a unit: 250us, 20ms, 1.5s, 2m, at most 24h"
    )]
    Time,
    /// Earlier than the line above.
    #[error("is earlier than {previous:?} on line {previous_line}; lines stand in the order of their times")]
    Earlier {
        /// The time above.
        previous: Duration,
        /// Its line, from 1.
        previous_line: usize,
    },
    /// It would begin again without end at once.
    #[error("is too early to repeat; the script begins again at this time, which has to be after 0s")]
    RepeatAtZero,
    /// Something after the end.
    #[error("comes after the script begins again on line {0}; repeat is the last line")]
    AfterRepeat(usize),
    /// The command after the time.
    #[error(transparent)]
    Command(#[from] CommandProblem),
}
