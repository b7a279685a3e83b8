//! One part as a file that appears whole or not at all, made of gathered columns: by the log's writer, or after its
//! death by whoever recovers its journal.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::part_seal::{self, Unsealed};
use crate::schema::{ColumnBuffer, ColumnSpec, Values};

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    Arc::new(
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("turbo version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build(),
    )
});

/// Why a part could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Encoding or writing failed within the Parquet writer.
    #[error("cannot write {}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: ParquetError,
    },
}

/// What the parts of one log have in common: `dir/stem{K}extension` and the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogShape {
    /// The file name before the part's number.
    pub stem: String,
    /// The file name after it.
    pub extension: String,
    /// Every column, in order.
    pub columns: Vec<ColumnSpec>,
}

/// A part that has its name.
#[derive(Debug)]
pub struct WrittenPart {
    /// The part's number.
    pub number: u64,
    /// The file.
    pub path: PathBuf,
    /// The part is whole and has its name; this is why the name may not survive a power cut, so no row is lost.
    pub unsynced: Option<PartError>,
}

impl LogShape {
    /// The name of part `number`.
    #[must_use]
    pub fn file_name(&self, number: u64) -> String {
        format!("{}{number}{}", self.stem, self.extension)
    }

    /// The number of the part of that name; `None` for other files.
    #[must_use]
    pub fn number_of(&self, file_name: &str) -> Option<u64> {
        let number = file_name.strip_prefix(&self.stem)?.strip_suffix(&self.extension)?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
    }

    /// Writes `buffers` as the first part from `first_number` on that is not there yet: never over an earlier part,
    /// whoever left it. `notes` go into the file's metadata.
    ///
    /// # Errors
    /// [`PartError`], which names the file; nothing but a hidden file is left behind.
    pub fn write_part<'a>(
        &self,
        dir: &Path,
        first_number: u64,
        buffers: impl IntoIterator<Item = &'a ColumnBuffer>,
        notes: &[KeyValue],
    ) -> Result<WrittenPart, PartError> {
        let mut number = first_number;
        while dir.join(self.file_name(number)).try_exists().unwrap_or(false) {
            number += 1;
        }
        let path = dir.join(self.file_name(number));
        let temporary = dir.join(self.partial_name(number));
        let written = self.write_file(&temporary, buffers, notes).and_then(|()| {
            let renamed = std::fs::rename(&temporary, &path);
            renamed.map_err(|source| PartError::Io { what: "complete", path: path.clone(), source })
        });
        if let Err(error) = written {
            // The error that counts is already known; a leftover that cannot be removed is hidden and never read.
            let _ = std::fs::remove_file(&temporary);
            return Err(error);
        }
        let synced = File::open(dir).and_then(|dir| dir.sync_all());
        let unsynced = synced.err().map(|source| PartError::Io { what: "sync", path: dir.to_owned(), source });
        Ok(WrittenPart { number, path, unsynced })
    }

    /// The name that part `number` has until it is whole.
    fn partial_name(&self, number: u64) -> String {
        format!(".{}.partial", self.file_name(number))
    }

    /// Whether a file of that name is a part of this log that was never finished.
    pub(crate) fn is_partial(&self, file_name: &str) -> bool {
        let part = file_name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial"));
        part.is_some_and(|part| self.number_of(part).is_some())
    }

    fn write_file<'a>(
        &self,
        path: &Path,
        buffers: impl IntoIterator<Item = &'a ColumnBuffer>,
        notes: &[KeyValue],
    ) -> Result<(), PartError> {
        let io = |what| move |source| PartError::Io { what, path: path.to_owned(), source };
        let parquet = |source| PartError::Parquet { path: path.to_owned(), source };
        // Read back where it is sealed.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
        let file = self.encode(file.map_err(io("create"))?, buffers, notes).map_err(parquet)?;
        let file = file.seal().map_err(io("seal"))?;
        file.sync_all().map_err(io("sync"))
    }

    fn encode<'a>(
        &self,
        file: File,
        buffers: impl IntoIterator<Item = &'a ColumnBuffer>,
        notes: &[KeyValue],
    ) -> Result<Unsealed, ParquetError> {
        let mut writer = SerializedFileWriter::new(Unsealed::new(file), self.schema()?, Arc::clone(&PROPERTIES))?;
        let notes = notes.iter().cloned().chain([part_seal::blank()]);
        notes.for_each(|note| writer.append_key_value_metadata(note));
        let mut group = writer.next_row_group()?;
        for (column, buffer) in self.columns.iter().zip(buffers) {
            let mut chunk = group.next_column()?.ok_or_else(|| mismatch(&column.name))?;
            let levels = buffer.levels.as_deref();
            match (chunk.untyped(), &buffer.values) {
                (ColumnWriter::BoolColumnWriter(to), Values::Bool(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::Int32ColumnWriter(to), Values::I32(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::Int64ColumnWriter(to), Values::I64(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::DoubleColumnWriter(to), Values::F64(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::ByteArrayColumnWriter(to), Values::Bytes(values)) => {
                    to.write_batch(values, levels, None)?
                }
                _ => return Err(mismatch(&column.name)),
            };
            chunk.close()?;
        }
        group.close()?;
        writer.into_inner()
    }

    fn schema(&self) -> Result<TypePtr, ParquetError> {
        let fields = self.columns.iter().map(ColumnSpec::parquet_type).collect::<Result<_, _>>()?;
        Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
    }
}

/// What the metadata of the Parquet file at `path` says under `key`; `None` where it says nothing, or is none.
pub(crate) fn note(path: &Path, key: &str) -> Option<String> {
    let reader = SerializedFileReader::new(File::open(path).ok()?).ok()?;
    let notes = reader.metadata().file_metadata().key_value_metadata()?;
    notes.iter().find(|note| note.key == key)?.value.clone()
}

fn mismatch(column: &str) -> ParquetError {
    ParquetError::General(format!("column {column:?} does not fit its declaration"))
}
