//! A line's words and where they stand.

use super::error::{CommandError, CommandProblem};

/// How much of a faulty word is repeated in its error.
const SHOWN_CHARS: usize = 40;

/// A word and its column, from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct Word<'a> {
    pub(in crate::link) text: &'a str,
    pub(in crate::link) column: usize,
}

impl Word<'_> {
    pub(in crate::link) fn fault(self, problem: CommandProblem) -> CommandError {
        CommandError { column: self.column, text: self.shown(), problem }
    }

    pub(in crate::link) fn shown(self) -> String {
        self.text.chars().take(SHOWN_CHARS).collect()
    }
}

/// What is left of a line; a comment, from a `#` that begins a word, is no part of it.
pub(in crate::link) struct Words<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Words<'a> {
    pub(in crate::link) fn of(line: &'a str) -> Self {
        let mut after_space = true;
        let comment = line.char_indices().find(|(_, character)| {
            let begins = *character == '#' && after_space;
            after_space = character.is_whitespace();
            begins
        });
        let content = comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line);
        Self { rest: content.trim_end(), column: 1 }
    }

    pub(in crate::link) fn next(&mut self) -> Option<Word<'a>> {
        self.skip_space();
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        self.cut(end)
    }

    fn skip_space(&mut self) {
        let text = self.rest.trim_start();
        let skipped = self.rest.len() - text.len();
        self.column += self.rest.get(..skipped).map_or(0, |space| space.chars().count());
        self.rest = text;
    }

    /// Takes the next word where it is `wanted`.
    pub(in crate::link) fn next_is(&mut self, wanted: &str) -> bool {
        let before = (self.rest, self.column);
        let is = self.next().is_some_and(|word| word.text == wanted);
        if !is {
            (self.rest, self.column) = before;
        }
        is
    }

    pub(in crate::link) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next word, which has to be there: a missing one is `what`.
    pub(in crate::link) fn want(&mut self, what: &'static str) -> Result<Word<'a>, CommandError> {
        self.next().ok_or_else(|| self.end().fault(CommandProblem::Missing(what)))
    }

    /// Everything that is left, spaces within it included, as one word; a missing one is `what`.
    pub(in crate::link) fn want_rest(&mut self, what: &'static str) -> Result<Word<'a>, CommandError> {
        self.skip_space();
        self.cut(self.rest.len()).ok_or_else(|| self.end().fault(CommandProblem::Missing(what)))
    }

    fn cut(&mut self, end: usize) -> Option<Word<'a>> {
        let (text, rest) = self.rest.split_at_checked(end).filter(|(text, _)| !text.is_empty())?;
        let word = Word { text, column: self.column };
        self.rest = rest;
        self.column += text.chars().count();
        Some(word)
    }

    /// Nothing more may come.
    pub(in crate::link) fn finish(&mut self) -> Result<(), CommandError> {
        self.next().map_or(Ok(()), |word| Err(word.fault(CommandProblem::Surplus)))
    }

    const fn end(&self) -> Word<'static> {
        Word { text: "", column: self.column }
    }
}
