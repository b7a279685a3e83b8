//! What one subscriber wants to hear, worked out once for every kind there is.

use crate::events::{EventKind, NoSeverity, NoteKind, Severity};

/// What is let through: a bit for each kind of event, notes among them.
///
/// ```
/// use telemetry::events::EventKind;
/// use telemetry::subscribe::{Filter, NoteKind};
/// let filter: Filter = "severity=debug subsystem=transport,super* topic=link,stat?".parse()?;
/// assert!(filter.event(EventKind::Link) && filter.note(NoteKind::State));
/// assert!(!filter.event(EventKind::Ping), "another topic");
/// # Ok::<(), telemetry::subscribe::FilterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter(u32);

const _: () = assert!(EventKind::ALL.len() <= 32, "a bit for each kind");

/// Why a filter cannot be: what was said, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A word that is no `key=value`, or of a key that there is not.
    #[error("{word:?} is no filter; expected severity=LEVEL, subsystem=NAME,NAME... or topic=NAME,NAME...")]
    Word {
        /// The word.
        word: String,
    },
    /// No severity.
    #[error("severity: {0}")]
    Severity(#[from] NoSeverity),
    /// A pattern that matches nothing there is.
    #[error("no {what} is called {pattern:?}; expected of {}, * for any characters and ? for one", known.join(", "))]
    Nothing {
        /// `subsystem` or `topic`.
        what: &'static str,
        /// The pattern.
        pattern: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
}

impl Default for Filter {
    /// Everything that whoever watches wants to know.
    fn default() -> Self {
        Self::new(Severity::Info, &[], &[]).unwrap_or(Self(0))
    }
}

impl Filter {
    /// What is at least as severe as `least`, of one of the `subsystems` and of one of the `topics`, where any are named.
    /// Both are names or patterns: `*` stands for any characters, `?` for one.
    ///
    /// # Errors
    /// [`FilterError::Nothing`] for a pattern that matches no name there is.
    pub fn new(least: Severity, subsystems: &[String], topics: &[String]) -> Result<Self, FilterError> {
        check("subsystem", subsystems, EventKind::subsystem)?;
        check("topic", topics, EventKind::name)?;
        let any =
            |patterns: &[String], name| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name));
        let wanted = |kind: &&EventKind| {
            kind.severity() >= least && any(subsystems, kind.subsystem()) && any(topics, kind.name())
        };
        Ok(Self(EventKind::ALL.iter().filter(wanted).fold(0, |bits, kind| bits | 1 << *kind as u32)))
    }

    /// Whether events of this kind are let through.
    #[must_use]
    pub const fn event(&self, kind: EventKind) -> bool {
        self.0 >> kind as u32 & 1 == 1
    }

    /// Whether notes of this kind are.
    #[must_use]
    pub const fn note(&self, kind: NoteKind) -> bool {
        self.event(kind.event())
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(words: &str) -> Result<Self, FilterError> {
        let (mut least, mut subsystems, mut topics) = (Severity::Info, Vec::new(), Vec::new());
        for word in words.split_whitespace() {
            let names = |value: &str| value.split(',').map(str::to_owned).collect::<Vec<_>>();
            match word.split_once('=') {
                Some(("severity", level)) => least = level.parse()?,
                Some(("subsystem", value)) => subsystems.extend(names(value)),
                Some(("topic", value)) => topics.extend(names(value)),
                _ => return Err(FilterError::Word { word: word.chars().take(80).collect() }),
            }
        }
        Self::new(least, &subsystems, &topics)
    }
}

fn check(what: &'static str, patterns: &[String], name: fn(EventKind) -> &'static str) -> Result<(), FilterError> {
    let mut known: Vec<&'static str> = EventKind::ALL.iter().map(|kind| name(*kind)).collect();
    known.sort_unstable();
    known.dedup();
    match patterns.iter().find(|pattern| !known.iter().any(|name| matches(pattern, name))) {
        Some(pattern) => Err(FilterError::Nothing { what, pattern: pattern.chars().take(80).collect(), known }),
        None => Ok(()),
    }
}

/// Whether `name` is what `pattern` says, `*` for any characters and `?` for one. Takes no more than the product of
/// their lengths, however many stars there are.
fn matches(pattern: &str, name: &str) -> bool {
    // Whether the pattern so far matches each beginning of the name.
    let mut reach: Vec<bool> = std::iter::once(true).chain(name.chars().map(|_| false)).collect();
    for symbol in pattern.chars() {
        let mut next = Vec::with_capacity(reach.len());
        let mut open = false;
        let mut before = false;
        for (here, letter) in reach.iter().zip(std::iter::once(None).chain(name.chars().map(Some))) {
            open |= *here;
            next.push(match symbol {
                '*' => open,
                '?' => before && letter.is_some(),
                _ => before && letter == Some(symbol),
            });
            before = *here;
        }
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word.
    fn oracle(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, rest) => rest.is_none(),
            (Some(('*', more)), None) => oracle(more, name),
            (Some(('*', more)), Some((_, rest))) => oracle(more, name) || oracle(pattern, rest),
            (Some(('?', more)), Some((_, rest))) => oracle(more, rest),
            (Some((symbol, more)), Some((letter, rest))) => symbol == letter && oracle(more, rest),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_they_say(pattern in "[ab*?]{0,7}", name in "[ab]{0,7}") {
            let (letters, symbols): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
            prop_assert_eq!(matches(&pattern, &name), oracle(&symbols, &letters));
        }

        #[test]
        fn any_words_are_a_filter_or_an_error_that_says_what_would_be_right(words in "\\PC{0,60}") {
            if let Err(error) = words.parse::<Filter>() {
                prop_assert!(error.to_string().contains("expected"), "{}", error);
            }
        }
    }

    #[test]
    fn every_condition_has_to_hold() {
        let filter = |words: &str| words.parse::<Filter>().expect(words);
        let all = filter("severity=debug");
        assert!(EventKind::ALL.iter().all(|kind| all.event(*kind)) && NoteKind::ALL.iter().all(|kind| all.note(*kind)));
        let usual = Filter::default();
        assert!(usual.event(EventKind::Decided) && !usual.event(EventKind::Hop) && usual.note(NoteKind::State));
        let warnings = filter("severity=warning");
        assert!(warnings.event(EventKind::Dropped) && !warnings.event(EventKind::Decided));
        assert!(warnings.note(NoteKind::Fault) && !warnings.note(NoteKind::State), "and what is more severe");
        let both = filter("topic=peer topic=refus* subsystem=*");
        assert!(both.note(NoteKind::Peer) && both.note(NoteKind::Refused) && !both.note(NoteKind::Failed));
        assert!(!filter("severity=warning topic=peer").note(NoteKind::Peer));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (words, said) in [
            ("severity=loud", "\"loud\" is no severity; expected one of debug, info, warning, error"),
            ("topic=hopp", "no topic is called \"hopp\"; expected of allocated, captured,"),
            ("subsystem=", "no subsystem is called \"\""),
            ("level=info", "\"level=info\" is no filter; expected severity=LEVEL"),
        ] {
            let error = words.parse::<Filter>().expect_err(words).to_string();
            assert!(error.contains(said), "{words:?}: {error}");
        }
    }
}
