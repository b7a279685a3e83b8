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

use polars::prelude::{ParallelStrategy, ParquetReader, SerReader};
use telemetry::part_seal::Seal;

use crate::bounded;
pub use problem::PartProblem;
pub use quiet::quiet_reader_panics;
pub use table::Table;

/// The most rows that a part may claim, 50 times the largest that can be configured: a damaged footer must not make
/// the reader ask for all memory.
const MOST_ROWS: usize = 5_000_000;
const MAGIC: &[u8; 4] = b"PAR1";

/// Which columns to read.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Every one.
    All,
    /// Those of these that are there.
    Only(&'a [&'a str]),
    /// The same; and where the file lacks some, as those of older versions do, others that stand in for them.
    Newest {
        /// Of every version.
        columns: &'a [&'a str],
        /// Those of them that others stand in for.
        may_lack: &'a [&'a str],
        /// The others.
        instead: &'a [&'a str],
    },
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
        let (names, beside): (&[&str], &[&str]) = match wanted {
            Wanted::All => (&[], &[]),
            Wanted::Only(names) => (names, &[]),
            Wanted::Newest { columns, may_lack, .. } if may_lack.iter().all(|name| schema.contains(name)) => {
                (columns, &[])
            }
            Wanted::Newest { columns, instead, .. } => (columns, instead),
        };
        let projected = || names.iter().chain(beside).filter_map(|name| schema.index_of(name)).collect();
        let projection = (!matches!(wanted, Wanted::All)).then(projected);
        let frame = reader.with_projection(projection).finish().map_err(PartProblem::damaged)?;
        Ok(Table::new(rows, schema, frame))
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
