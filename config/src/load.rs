//! From a file to a checked profile.

use std::path::Path;

use garde::Validate;
use serde::de::DeserializeOwned;

use crate::error::ConfigError;

/// A YAML file of the schema.
///
/// ```no_run
/// use config::{Profile, car::CarProfile};
/// match CarProfile::load("config/car.yaml".as_ref()) {
///     Ok(car) => println!("{} services", car.services.len()),
///     Err(error) => eprintln!("{error}"), // ready to print: file, line, column, excerpt, what would be right
/// }
/// ```
pub trait Profile: DeserializeOwned + Validate<Context = ()> {
    /// Makes the paths in the profile relative to `base` instead of to the file.
    fn resolve_paths(&mut self, base: &Path);

    /// Reads, parses and checks the file at `path`; its relative paths come out relative to the working directory.
    ///
    /// # Errors
    /// [`ConfigError`], ready to print.
    fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Parses and checks `text` as if it were the content of the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`], ready to print.
    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let mut profile: Self = serde_saphyr::from_str_with_options_valid(text, options)
            .map_err(|error| ConfigError::from_yaml(path, text, &error))?;
        profile.resolve_paths(path.parent().unwrap_or(Path::new("")));
        Ok(profile)
    }
}
