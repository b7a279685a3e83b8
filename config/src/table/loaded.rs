//! Whether a table is of the models that are loaded.

use std::path::Path;

use super::{FileHash, UtilityTable};
use crate::error::ConfigError;
use crate::load::read_text;

/// A model as it was loaded.
#[derive(Clone, Copy, Debug)]
pub struct LoadedModel<'a> {
    /// Its name in configurations.
    pub name: &'a str,
    /// Its file.
    pub file: &'a Path,
    /// Hash of the file.
    pub fnv1a64: FileHash,
}

impl UtilityTable {
    /// Whether the table, which is the file at `path`, was measured with `model`. A table that says of no model what it
    /// was, as a published one, is of any.
    ///
    /// # Errors
    /// [`ConfigError`] with the line where the table names another model under that name, or none at all.
    pub fn check_loaded(&self, path: &Path, model: &LoadedModel<'_>) -> Result<(), ConfigError> {
        let Some(models) = &self.models else { return Ok(()) };
        let (name, file) = (model.name, model.file.display());
        let refused = |message: String, sought: &str| {
            let text = read_text(path).unwrap_or_default();
            let found = text.lines().zip(1..).find_map(|(line, number)| {
                let before = line.get(..line.find(sought)?)?;
                (!before.trim_start().starts_with('#')).then(|| (number, before.chars().count() + 1))
            });
            ConfigError::at(path, &text, message, found)
        };
        let Some(measured) = models.iter().find(|measured| measured.name == name) else {
            let known = models.iter().map(|measured| measured.name.as_str()).collect::<Vec<_>>().join(", ");
            let message = format!(
                "the table was measured with {known}, not with a model called {name:?}, which is loaded from {file}; \
                 expected the table of the models that are loaded: use that, or run `turbo calibrate`"
            );
            return Err(refused(message, "models:"));
        };
        if measured.fnv1a64 != model.fnv1a64 {
            let message = format!(
                "the table was measured with another {name} ({}) than the one that is loaded, {file} ({}); expected the \
                 table of the models that are loaded: use that, or run `turbo calibrate`",
                measured.fnv1a64, model.fnv1a64
            );
            return Err(refused(message, &measured.fnv1a64.to_string()));
        }
        Ok(())
    }
}
