//! One part as a file that appears whole or not at all, made of gathered columns: by the log's writer, or after its
//! death by whoever recovers its journal.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::part_seal;
use crate::schema::{ColumnBuffer, ColumnSpec, Values};

/// From so many rows on a part is compressed. Below, what Parquet does for large files costs more than it saves: a
/// compressor made for each column took a third of the collector's time, and each distinct value once with the rows as
/// numbers of them leaves it little to do.
const COMPRESSED_ROWS: usize = 1_000;

static PLAIN: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| properties(Compression::UNCOMPRESSED));
static COMPRESSED: LazyLock<WriterPropertiesPtr> =
    LazyLock::new(|| properties(Compression::ZSTD(ZstdLevel::default())));

/// Without statistics and page indexes: they say where in a large file to look, and are as long as a part's rows.
fn properties(compression: Compression) -> WriterPropertiesPtr {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("turbo version ", env!("CARGO_PKG_VERSION")).to_owned());
    Arc::new(properties.build())
}

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
        let bytes = self.encode(buffers, notes);
        let bytes = bytes.map_err(|source| PartError::Parquet { path: path.to_owned(), source })?;
        let mut file = File::create(path).map_err(io("create"))?;
        file.write_all(&bytes).map_err(io("write"))?;
        file.sync_all().map_err(io("sync"))
    }

    /// The whole file, sealed.
    fn encode<'a>(
        &self,
        buffers: impl IntoIterator<Item = &'a ColumnBuffer>,
        notes: &[KeyValue],
    ) -> Result<Vec<u8>, ParquetError> {
        let mut buffers = buffers.into_iter().peekable();
        let is_long = buffers.peek().is_some_and(|buffer| buffer.rows() >= COMPRESSED_ROWS);
        let properties = Arc::clone(if is_long { &COMPRESSED } else { &PLAIN });
        let mut writer = SerializedFileWriter::new(Vec::new(), self.schema()?, properties)?;
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
        let mut bytes = writer.into_inner()?;
        part_seal::seal(&mut bytes)
            .ok_or_else(|| ParquetError::General("the footer has no place for the seal".to_owned()))?;
        Ok(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{nullable, required};
    use parquet::file::metadata::ParquetMetaData;
    use parquet::record::RowAccessor;

    #[test]
    fn a_part_of_any_length_has_every_value_and_is_compressed_where_that_pays() {
        let columns = [
            required("instant", "", |row: &u32| f64::from(*row) / 3.0),
            nullable("name", "", |row: &u32| (!row.is_multiple_of(3)).then(|| format!("name {}", row % 7))),
        ];
        let specs = columns.iter().map(|column| column.spec().clone()).collect();
        let shape = LogShape { stem: "log".to_owned(), extension: String::new(), columns: specs };
        let dir = tempfile::tempdir().unwrap();
        for (number, rows) in [1, COMPRESSED_ROWS as u32 - 1, COMPRESSED_ROWS as u32].into_iter().enumerate() {
            let mut buffers: Vec<ColumnBuffer> = columns.iter().map(|column| column.spec().buffer()).collect();
            for row in 0..rows {
                columns.iter().zip(&mut buffers).for_each(|(column, buffer)| column.gather(&row, buffer));
            }
            let part = shape.write_part(dir.path(), number as u64, &buffers, &[]).unwrap();
            assert_eq!((part.number, part.unsynced.is_none()), (number as u64, true));
            let reader = SerializedFileReader::new(File::open(part.path).unwrap()).unwrap();
            let metadata: &ParquetMetaData = reader.metadata();
            let plain = metadata.row_group(0).columns().iter().all(|c| c.compression() == Compression::UNCOMPRESSED);
            assert_eq!(plain, number < 2);
            let mut read = 0;
            for (row, expected) in reader.get_row_iter(None).unwrap().map(Result::unwrap).zip(0_u32..) {
                assert_eq!(row.get_double(0).unwrap(), f64::from(expected) / 3.0);
                let name = row.get_string(1).ok().cloned();
                assert_eq!(name, (expected % 3 > 0).then(|| format!("name {}", expected % 7)));
                read += 1;
            }
            assert_eq!(read, rows);
        }
    }
}
