//! From a file to a checked profile.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use garde::Validate;
use serde::de::DeserializeOwned;

use crate::error::ConfigError;

/// The longest that a file may be; the longest tables that are measured have some hundred kilobytes.
const MOST_BYTES: u64 = 16 << 20;

/// The text of the file at `path`, which may also be a pipe, but none without an end.
///
/// # Errors
/// [`ConfigError::Read`].
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES {
            let text = format!("it is longer than {} MiB, which no profile or table is", MOST_BYTES >> 20);
            return Err(Error::new(ErrorKind::FileTooLarge, text));
        }
        String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not text (UTF-8)"))
    };
    read().map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

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
        Self::parse(&read_text(path)?, path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_not_read_to_the_end() {
        let error = read_text(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(error.contains("/dev/zero: cannot be read: it is longer than 16 MiB"), "{error}");
    }
}
