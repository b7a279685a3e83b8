//! What is known of the drive, as it was said at the control socket: each part with its age.

use std::time::Duration;

use allocation::context::{DrivingContext, MAX_SPEED_MPS, MAX_STEERING_DEG, ParseTurnSignalError, Tags, TurnSignal};
use rt_core::clock::Monotonic;

/// A value and when it was said.
type Said<T> = Option<(T, Monotonic)>;

/// Everything that was said; what is too old is unknown again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drive {
    speed_mps: Said<f64>,
    steering_deg: Said<f64>,
    turn_signal: Said<TurnSignal>,
    tags: Said<Tags>,
}

/// Why something that was said of the drive is refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum DriveError {
    /// No word at all.
    #[error("nothing is said; expected key=value, such as context speed_mps=12 turn_signal=left")]
    Empty,
    /// A word without a value.
    #[error("column {column}: {word:?} is no key=value; expected such as speed_mps=12")]
    NoValue {
        /// Column of the word, from 1.
        column: usize,
        /// The word.
        word: String,
    },
    /// A key that there is not.
    #[error("column {column}: there is no {key:?}; expected one of speed_mps, steering_deg, turn_signal, tags")]
    Key {
        /// Column of the word, from 1.
        column: usize,
        /// The key.
        key: String,
    },
    /// A key twice.
    #[error("column {column}: {key:?} is said a second time; expected each key once")]
    Twice {
        /// Column of the word, from 1.
        column: usize,
        /// The key.
        key: String,
    },
    /// A number that is none or out of its range.
    #[error("column {column}: {key} is {value:?}; expected a number from {min} to {max}, or unknown")]
    Number {
        /// Column of the word, from 1.
        column: usize,
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// No turn signal.
    #[error("column {column}: {source}, or unknown")]
    TurnSignal {
        /// Column of the word, from 1.
        column: usize,
        /// What is wrong.
        source: ParseTurnSignalError,
    },
    /// A tag that no rule asks for.
    #[error("column {column}: no rule knows the tag {tag:?}; expected none, or of {known}")]
    Tag {
        /// Column of the word, from 1.
        column: usize,
        /// The tag.
        tag: String,
        /// Those that there are, separated by commas.
        known: String,
    },
}

/// In place of a value: it is not known any more.
const UNKNOWN: &str = "unknown";
/// How much of a faulty word is repeated.
const SHOWN_CHARS: usize = 40;

impl Drive {
    /// What is known with these words said at `now` beside what was said before; `tags` are the names of the tags.
    ///
    /// # Errors
    /// The first word that is refused; nothing of the others counts then.
    pub fn told(mut self, words: &str, tags: &[String], now: Monotonic) -> Result<Self, DriveError> {
        let mut seen: Vec<&str> = Vec::new();
        let mut rest = words;
        loop {
            rest = rest.trim_start();
            let word = rest.split_whitespace().next().unwrap_or_default();
            if word.is_empty() {
                return if seen.is_empty() { Err(DriveError::Empty) } else { Ok(self) };
            }
            let before = words.len() - rest.len();
            let column = words.get(..before).map_or(1, |before| before.chars().count() + 1);
            let shown = |text: &str| text.chars().take(SHOWN_CHARS).collect::<String>();
            let Some((key, value)) = word.split_once('=') else {
                return Err(DriveError::NoValue { column, word: shown(word) });
            };
            if seen.contains(&key) {
                return Err(DriveError::Twice { column, key: shown(key) });
            }
            let number = |min: f64, max: f64| {
                let number = value.parse().ok().filter(|number: &f64| (min..=max).contains(number));
                let refused = || DriveError::Number { column, key: shown(key), value: shown(value), min, max };
                known(value, || number.ok_or_else(refused)).map(|known| known.map(|known| (known, now)))
            };
            match key {
                "speed_mps" => self.speed_mps = number(0.0, MAX_SPEED_MPS)?,
                "steering_deg" => self.steering_deg = number(-MAX_STEERING_DEG, MAX_STEERING_DEG)?,
                "turn_signal" => {
                    let parse = || shown(value).parse().map_err(|source| DriveError::TurnSignal { column, source });
                    self.turn_signal = known(value, parse)?.map(|signal| (signal, now));
                }
                "tags" => {
                    let parse = || tag_numbers(value, tags, column);
                    self.tags = known(value, parse)?.map(|tags| (tags, now));
                }
                _ => return Err(DriveError::Key { column, key: shown(key) }),
            }
            seen.push(key);
            rest = rest.get(word.len()..).unwrap_or_default();
        }
    }

    /// What is known at `now`: what was said no longer ago than `max_age`.
    pub fn known(&self, now: Monotonic, max_age: Duration) -> DrivingContext {
        fn fresh<T: Copy>(said: Said<T>, now: Monotonic, max_age: Duration) -> Option<T> {
            said.filter(|(_, at)| now.saturating_since(*at) <= max_age).map(|(value, _)| value)
        }
        DrivingContext {
            speed_mps: fresh(self.speed_mps, now, max_age),
            steering_deg: fresh(self.steering_deg, now, max_age),
            turn_signal: fresh(self.turn_signal, now, max_age),
            tags: fresh(self.tags, now, max_age).unwrap_or_default(),
        }
    }
}

fn known<T>(value: &str, parse: impl FnOnce() -> Result<T, DriveError>) -> Result<Option<T>, DriveError> {
    if value == UNKNOWN { Ok(None) } else { parse().map(Some) }
}

fn tag_numbers(value: &str, tags: &[String], column: usize) -> Result<Tags, DriveError> {
    if value == "none" {
        return Ok(Tags::default());
    }
    value.split(',').try_fold(Tags::default(), |all, tag| match tags.iter().position(|known| known == tag) {
        Some(number) => Ok(all.with(number)),
        None => Err(DriveError::Tag {
            column,
            tag: tag.chars().take(SHOWN_CHARS).collect(),
            known: if tags.is_empty() { "no tag, since no rule asks for one".to_owned() } else { tags.join(", ") },
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Monotonic = Monotonic::from_ns(5_000_000_000);
    const AGE: Duration = Duration::from_secs(10);

    fn tags() -> Vec<String> {
        ["crossing", "school"].map(str::to_owned).to_vec()
    }

    fn told(words: &str) -> Result<DrivingContext, String> {
        let drive = Drive::default().told(words, &tags(), NOW).map_err(|error| error.to_string())?;
        Ok(drive.known(NOW, AGE))
    }

    #[test]
    fn what_is_said_is_known_until_it_is_too_old_or_forgotten() {
        let drive = Drive::default().told("speed_mps=12.5  turn_signal=left\ttags=school,crossing", &tags(), NOW);
        let drive = drive.expect("understood");
        let known = drive.known(NOW, AGE);
        assert_eq!((known.speed_mps, known.turn_signal), (Some(12.5), Some(TurnSignal::Left)));
        assert!(known.tags.has(0) && known.tags.has(1) && known.steering_deg.is_none());
        let later = NOW.plus(Duration::from_secs(8));
        let drive = drive.told("steering_deg=-90 tags=none", &tags(), later).expect("understood");
        let known = drive.known(later, AGE);
        assert_eq!((known.speed_mps, known.steering_deg, known.tags), (Some(12.5), Some(-90.0), Tags::default()));
        let known = drive.known(later.plus(Duration::from_secs(3)), AGE);
        assert_eq!((known.speed_mps, known.steering_deg), (None, Some(-90.0)), "each part has its own age");
        let drive = drive.told("steering_deg=unknown", &tags(), later).expect("understood");
        assert_eq!(drive.known(later, AGE).steering_deg, None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_column_and_what_would_be_right() {
        for (words, said) in [
            ("", "nothing is said"),
            ("speed_mps=5 left", "column 13: \"left\" is no key=value"),
            ("speed=5", "column 1: there is no \"speed\"; expected one of speed_mps"),
            ("speed_mps=fast", "speed_mps is \"fast\"; expected a number from 0 to 150, or unknown"),
            ("speed_mps=NaN", "speed_mps is \"NaN\""),
            ("speed_mps=inf", "speed_mps is \"inf\""),
            ("speed_mps=-1", "expected a number from 0 to 150"),
            ("steering_deg=1081", "expected a number from -1080 to 1080"),
            ("turn_signal=west", "\"west\" is no turn signal; expected off, left, right or hazard"),
            ("tags=tunnel", "no rule knows the tag \"tunnel\"; expected none, or of crossing, school"),
            ("speed_mps=1 speed_mps=2", "column 13: \"speed_mps\" is said a second time"),
        ] {
            let error = told(words).expect_err(words);
            assert!(error.contains(said), "{words:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_within_range(
            words in "((speed_mps|steering_deg|turn_signal|tags|é|)=?(left|-?[0-9]{1,4}|nan|inf|crossing|,|none|unknown| ){0,3} ?){0,4}",
        ) {
            if let Ok(known) = told(&words) {
                prop_assert!(known.speed_mps.is_none_or(|speed| (0.0..=MAX_SPEED_MPS).contains(&speed)));
                prop_assert!(known.steering_deg.is_none_or(|angle| angle.abs() <= MAX_STEERING_DEG));
            }
            let _ = told(&format!("{words}\u{0}\u{301}"));
        }
    }
}
