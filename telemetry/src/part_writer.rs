//! Rows gathered in memory and spilled to numbered Parquet files, each of which appears whole or not at all.

use std::fs::{File, OpenOptions};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::schema::{Column, ColumnBuffer, Values};

/// The default of `max_entries`, as in the original.
pub const DEFAULT_MAX_ENTRIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

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

/// What became of a log's rows; no number ever falls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogHealth {
    /// Part files completed.
    pub parts_written: u64,
    /// Rows in them.
    pub rows_written: u64,
    /// Rows thrown away because their part could not be written.
    pub rows_lost: u64,
    /// The last error, in words.
    pub last_error: Option<String>,
}

impl LogHealth {
    /// Adds another log's numbers to these.
    pub fn add(&mut self, other: &Self) {
        self.parts_written += other.parts_written;
        self.rows_written += other.rows_written;
        self.rows_lost += other.rows_lost;
        if other.last_error.is_some() {
            self.last_error.clone_from(&other.last_error);
        }
    }
}

/// The writer of one log's part files.
///
/// A part that cannot be written is given up, its rows counted in [`LogHealth::rows_lost`]; the next part is tried
/// again. Nothing here ends the program.
pub struct PartWriter<R> {
    dir: PathBuf,
    stem: String,
    extension: &'static str,
    columns: Vec<(Column<R>, ColumnBuffer)>,
    max_entries: NonZeroUsize,
    rows: usize,
    next_part: u64,
    health: LogHealth,
}

impl<R> PartWriter<R> {
    /// A writer of `dir/stem{K}extension`; nothing is created before there are rows.
    #[must_use]
    pub fn new(
        dir: &Path,
        stem: String,
        extension: &'static str,
        columns: Vec<Column<R>>,
        max_entries: NonZeroUsize,
    ) -> Self {
        let columns = columns
            .into_iter()
            .map(|column| {
                let buffer = column.buffer();
                (column, buffer)
            })
            .collect();
        let health = LogHealth::default();
        Self { dir: dir.to_owned(), stem, extension, columns, max_entries, rows: 0, next_part: 0, health }
    }

    /// Adds the rows of one frame (or one event); they end up in one part, which is spilled once it has
    /// `max_entries` rows or, where the last frame has several, a few more.
    pub fn push(&mut self, rows: &[R]) {
        for row in rows {
            for (column, buffer) in &mut self.columns {
                column.gather(row, buffer);
            }
        }
        self.rows += rows.len();
        if self.rows >= self.max_entries.get() {
            self.spill();
        }
    }

    /// Writes what there is as the last, partial part.
    pub fn finish(&mut self) {
        if self.rows > 0 {
            self.spill();
        }
    }

    /// What became of the rows so far.
    #[must_use]
    pub const fn health(&self) -> &LogHealth {
        &self.health
    }

    fn spill(&mut self) {
        let rows = self.rows as u64;
        match self.write_part() {
            Ok(()) => {
                self.health.parts_written += 1;
                self.health.rows_written += rows;
                self.next_part += 1;
            }
            Err(error) => {
                self.health.rows_lost += rows;
                self.health.last_error = Some(error.to_string());
            }
        }
        self.rows = 0;
        for (_, buffer) in &mut self.columns {
            buffer.clear();
        }
    }

    fn write_part(&mut self) -> Result<(), PartError> {
        let mut name = format!("{}{}{}", self.stem, self.next_part, self.extension);
        // Never over an earlier part, whoever left it there.
        while self.dir.join(&name).try_exists().unwrap_or(false) {
            self.next_part += 1;
            name = format!("{}{}{}", self.stem, self.next_part, self.extension);
        }
        let path = self.dir.join(&name);
        let temporary = self.dir.join(format!(".{name}.partial"));
        let written = self.write_file(&temporary).and_then(|()| {
            std::fs::rename(&temporary, &path).map_err(|source| PartError::Io { what: "complete", path, source })
        });
        if written.is_err() {
            // The error that counts is already known; a leftover that cannot be removed is hidden and never read.
            let _ = std::fs::remove_file(&temporary);
        }
        written?;
        // The part is whole and has its name; only whether the name survives a power cut is open, so no row is lost.
        if let Err(source) = File::open(&self.dir).and_then(|dir| dir.sync_all()) {
            let error = PartError::Io { what: "sync", path: self.dir.clone(), source };
            self.health.last_error = Some(error.to_string());
        }
        Ok(())
    }

    fn write_file(&self, path: &Path) -> Result<(), PartError> {
        let io = |what| move |source| PartError::Io { what, path: path.to_owned(), source };
        let parquet = |source| PartError::Parquet { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path).map_err(io("create"))?;
        let file = self.encode(file).map_err(parquet)?;
        file.sync_all().map_err(io("sync"))
    }

    fn encode(&self, file: File) -> Result<File, ParquetError> {
        let mut writer = SerializedFileWriter::new(file, self.schema()?, Arc::clone(&PROPERTIES))?;
        let mut group = writer.next_row_group()?;
        for (column, buffer) in &self.columns {
            let mut chunk = group.next_column()?.ok_or_else(|| mismatch(column.name()))?;
            let levels = buffer.levels.as_deref();
            match (chunk.untyped(), &buffer.values) {
                (ColumnWriter::BoolColumnWriter(to), Values::Bool(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::Int32ColumnWriter(to), Values::I32(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::Int64ColumnWriter(to), Values::I64(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::DoubleColumnWriter(to), Values::F64(values)) => to.write_batch(values, levels, None)?,
                (ColumnWriter::ByteArrayColumnWriter(to), Values::Bytes(values)) => {
                    to.write_batch(values, levels, None)?
                }
                _ => return Err(mismatch(column.name())),
            };
            chunk.close()?;
        }
        group.close()?;
        writer.into_inner()
    }

    fn schema(&self) -> Result<TypePtr, ParquetError> {
        let fields = self.columns.iter().map(|(column, _)| column.parquet_type()).collect::<Result<_, _>>()?;
        Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
    }
}

fn mismatch(column: &str) -> ParquetError {
    ParquetError::General(format!("column {column:?} does not fit its declaration"))
}
