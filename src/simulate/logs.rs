//! Rows of a run's logs, which are Parquet whatever they are called.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row as ParquetRow};

use crate::failure::Failure;

/// A row of a log.
pub struct Row<'a>(&'a ParquetRow);

impl Row<'_> {
    fn field(&self, name: &str) -> Option<&Field> {
        self.0.get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field)
    }

    /// A number, whole or not.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.field(name)? {
            Field::Double(value) => Some(*value),
            Field::Float(value) => Some(f64::from(*value)),
            _ => self.whole(name).map(|value| value as f64),
        }
    }

    /// A whole number that is not negative.
    pub fn whole(&self, name: &str) -> Option<u64> {
        match self.field(name)? {
            Field::Byte(value) => u64::try_from(*value).ok(),
            Field::Short(value) => u64::try_from(*value).ok(),
            Field::Int(value) => u64::try_from(*value).ok(),
            Field::Long(value) => u64::try_from(*value).ok(),
            Field::UInt(value) => Some(u64::from(*value)),
            Field::ULong(value) => Some(*value),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.field(name)? {
            Field::Str(value) => Some(value),
            _ => None,
        }
    }
}

/// Hands every row of every log below `dir` whose file's name begins with `stem` to `each`.
///
/// # Errors
/// [`Failure::Config`] with the file that cannot be read.
pub fn rows(dir: &Path, stem: &str, mut each: impl FnMut(&Row<'_>)) -> Result<(), Failure> {
    let mut files = Vec::new();
    find(dir, stem, &mut files);
    files.sort();
    for path in files {
        let refused = |error: &dyn std::fmt::Display| Failure::Config(format!("{}: {error}", path.display()));
        let file = File::open(&path).map_err(|error| refused(&error))?;
        let reader = SerializedFileReader::new(file).map_err(|error| refused(&error))?;
        for row in reader.get_row_iter(None).map_err(|error| refused(&error))? {
            each(&Row(&row.map_err(|error| refused(&error))?));
        }
    }
    Ok(())
}

fn find(dir: &Path, stem: &str, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, stem, files);
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(stem)) {
            files.push(path);
        }
    }
}
