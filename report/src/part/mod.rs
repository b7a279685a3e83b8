//! One part file as a table: the only place that knows the Parquet reader.
//!
//! Parts are read one by one, not as one big table: each has its own trouble (cut short, foreign, of an older
//! version) that must not keep the others from being read, rows of a frame never straddle two, and memory stays that
//! of one part however long the run was.

mod plausible;
mod problem;
mod quiet;
mod table;

use std::io::Cursor;
use std::path::Path;

use polars::prelude::{DataType, ParallelStrategy, ParquetReader, SerReader};
use telemetry::part_seal::Seal;

use crate::bounded;
pub use problem::PartProblem;
pub use quiet::quiet_reader_panics;
pub use table::Table;

/// The most rows that a part may claim, 50 times the largest that can be configured: a damaged footer must not make
/// the reader ask for all memory.
const MOST_ROWS: usize = 5_000_000;
const MAGIC: &[u8; 4] = b"PAR1";

/// One column as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: String,
    /// Its type in the specification's words where it has one for it, else the reader's.
    pub dtype: String,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

/// Which columns to read.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Every one.
    All,
    /// Those of these that are there.
    Only(&'a [&'a str]),
}

/// Reads a part.
///
/// # Errors
/// [`PartProblem`]: what is wrong with the file, without its name.
pub fn read(path: &Path, wanted: Wanted<'_>) -> Result<Table, PartProblem> {
    let bytes = bounded::read(path, bounded::MOST_PART_BYTES).map_err(PartProblem::Io)?;
    check_magic(&bytes)?;
    let seal = Seal::of(&bytes);
    if let Seal::Broken { sealed, found } = seal {
        return Err(PartProblem::Broken { sealed, found });
    }
    quiet::catch(|| {
        if seal == Seal::Absent {
            plausible::check(path)?;
        }
        let mut reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None);
        let schema = reader.schema().map_err(PartProblem::damaged)?;
        let rows = reader.num_rows().map_err(PartProblem::damaged)?;
        if rows > MOST_ROWS {
            return Err(PartProblem::TooManyRows { rows, most: MOST_ROWS });
        }
        let fields: Vec<FieldInfo> = schema
            .iter_values()
            .map(|field| FieldInfo {
                name: field.name.to_string(),
                dtype: dtype_name(&DataType::from_arrow_dtype(&field.dtype)),
                nullable: field.is_nullable,
            })
            .collect();
        let there = |name: &&&str| fields.iter().any(|field| field.name == **name);
        let columns = match wanted {
            Wanted::All => None,
            Wanted::Only(names) => Some(names.iter().filter(there).map(|name| (*name).to_owned()).collect()),
        };
        let frame = reader.with_columns(columns).finish().map_err(PartProblem::damaged)?;
        Ok(Table::new(rows, fields, frame))
    })
    .unwrap_or_else(|panic| Err(PartProblem::Damaged(panic)))
}

/// Tells a foreign file from one that was cut short, which the reader's own errors do not.
fn check_magic(bytes: &[u8]) -> Result<(), PartProblem> {
    match bytes {
        [] => Err(PartProblem::Empty),
        _ if !bytes.starts_with(MAGIC) => Err(PartProblem::NotParquet),
        _ if bytes.len() < 12 || !bytes.ends_with(MAGIC) => Err(PartProblem::CutShort { bytes: bytes.len() as u64 }),
        _ => Ok(()),
    }
}

fn dtype_name(dtype: &DataType) -> String {
    let known = match dtype {
        DataType::Boolean => "bool",
        DataType::Int8 => "i8",
        DataType::UInt16 => "u16",
        DataType::Int32 => "i32",
        DataType::UInt32 => "u32",
        DataType::Int64 => "i64",
        DataType::UInt64 => "u64",
        DataType::Float32 => "f32",
        DataType::Float64 => "f64",
        DataType::String => "str",
        other => return other.to_string(),
    };
    known.to_owned()
}
