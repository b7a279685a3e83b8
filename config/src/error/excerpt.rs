//! The line that a message speaks of, with a caret under the place.

use std::fmt;

/// One line of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Excerpt {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    content: String,
}

impl Excerpt {
    /// The place in `text`; one past the end becomes the end of the last line.
    pub(super) fn new(text: &str, line: usize, column: usize) -> Self {
        let last = text.lines().count().max(1);
        let content: String = text
            .lines()
            .nth(line.clamp(1, last) - 1)
            .unwrap_or("")
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let end = content.chars().count() + 1;
        let column = if line > last { end } else { column.clamp(1, end) };
        Self { line: line.clamp(1, last), column, content }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let width = number.len();
        writeln!(f, "{:width$} |", "")?;
        writeln!(f, "{number} | {}", self.content)?;
        write!(f, "{:width$} | {:caret$}^", "", "", caret = self.column - 1)
    }
}
