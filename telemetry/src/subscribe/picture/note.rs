//! What was said.

use serde::{Deserialize, Serialize};

use crate::subscribe::Note;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotePicture {
    /// When, Unix time.
    pub at_unix_s: f64,
    /// The same instant, monotonic.
    pub at_ns: u64,
    /// How much it matters.
    pub severity: String,
    /// Which part of the program said it.
    pub subsystem: String,
    /// What it is about.
    pub topic: String,
    /// The words.
    pub text: String,
}

impl From<&Note> for NotePicture {
    fn from(note: &Note) -> Self {
        Self {
            at_unix_s: 0.0,
            at_ns: note.at.as_ns(),
            severity: note.kind.event().severity().name().to_owned(),
            subsystem: note.kind.event().subsystem().to_owned(),
            topic: note.kind.event().name().to_owned(),
            text: note.text.clone(),
        }
    }
}
