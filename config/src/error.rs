//! The one error of this crate, ready to print.

mod excerpt;
mod explain;

use std::fmt;
use std::path::{Path, PathBuf};

use excerpt::Excerpt;

/// Why a configuration file was refused. `Display` is the whole message for a person, over several lines where there
/// is an excerpt to show; it ends without a newline.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it says is wrong.
    #[error("{}", Join(problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, at least one, in the order of the file.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    path: PathBuf,
    message: String,
    place: Option<Excerpt>,
}

impl Problem {
    /// What is wrong and what would be right.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Line and column, both from 1, where it has a place.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| (place.line, place.column))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => write!(f, "{}: {}", self.path.display(), self.message),
            Some(place) => {
                let (line, column) = (place.line, place.column);
                write!(f, "{}:{line}:{column}: {}\n{place}", self.path.display(), self.message)
            }
        }
    }
}

impl ConfigError {
    /// The problems, where the file could be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Read { .. } => &[],
            Self::Invalid { problems, .. } => problems,
        }
    }

    /// Something that is wrong at a place (line and column, from 1) of `text`, the file at `path`, though it can be
    /// read: what it says is not true of something outside of it.
    pub(crate) fn at(path: &Path, text: &str, message: String, place: Option<(usize, usize)>) -> Self {
        let place = place.map(|(line, column)| Excerpt::new(text, line, column));
        let problem = Problem { path: path.to_owned(), message: one_line(&message), place };
        Self::Invalid { path: path.to_owned(), problems: vec![problem] }
    }

    pub(crate) fn from_yaml(path: &Path, text: &str, error: &serde_saphyr::Error) -> Self {
        let mut problems: Vec<Problem> = explain::explain(text, error)
            .into_iter()
            .map(|(message, place)| Problem {
                path: path.to_owned(),
                message: one_line(&message),
                place: place.map(|(line, column)| Excerpt::new(text, line, column)),
            })
            .collect();
        problems.sort_by_key(Problem::line_and_column);
        Self::Invalid { path: path.to_owned(), problems }
    }
}

/// A file may hold anything; what is quoted from it must not move a terminal's cursor.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

struct Join<'a>(&'a [Problem]);

impl fmt::Display for Join<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
