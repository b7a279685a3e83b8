//! Columns of a part as plain Rust values.

use std::sync::Arc;

use polars::prelude::{ArrowSchema, Column, DataFrame, DataType};

use super::PartProblem;

/// What was read of a part.
pub struct Table {
    rows: usize,
    schema: Arc<ArrowSchema>,
    frame: DataFrame,
}

impl Table {
    pub(super) fn new(rows: usize, schema: Arc<ArrowSchema>, frame: DataFrame) -> Self {
        Self { rows, schema, frame }
    }

    /// How many rows the part has.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the file's columns, read or not, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schema.iter_names().map(|name| name.as_str())
    }

    /// Whether the file has a column of that name, read or not.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.schema.contains(name)
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.frame.column(name).ok()
    }

    /// The column's type in the specification's words where it has one for it, else the reader's; `None` where the
    /// file has no such column.
    #[must_use]
    pub fn dtype(&self, name: &str) -> Option<String> {
        self.schema.get(name).map(|field| dtype_name(&DataType::from_arrow_dtype(&field.dtype)))
    }

    /// A floating-point column, NaN for null; `None` where there is none of that name and kind.
    #[must_use]
    pub fn floats(&self, name: &str) -> Option<Vec<f64>> {
        let values = self.column(name)?.f64().ok()?;
        Some(match values.cont_slice() {
            Ok(values) => values.to_vec(),
            Err(_) => values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        })
    }

    /// An integer column of any width, or one of integers written as text (as log types 2 and 3 have them); `None`
    /// for null and for what is no integer.
    #[must_use]
    pub fn integers(&self, name: &str) -> Option<Vec<Option<i64>>> {
        let column = self.column(name)?;
        // The logs' own types without a cast, which costs more than a part's values are worth.
        Some(match column.dtype() {
            DataType::Float32 | DataType::Float64 | DataType::Boolean => return None,
            DataType::Int32 => column.i32().ok()?.iter().map(|value| value.map(i64::from)).collect(),
            DataType::UInt32 => column.u32().ok()?.iter().map(|value| value.map(i64::from)).collect(),
            DataType::Int64 => column.i64().ok()?.iter().collect(),
            DataType::UInt64 => {
                column.u64().ok()?.iter().map(|value| value.and_then(|value| i64::try_from(value).ok())).collect()
            }
            _ => column.cast(&DataType::Int64).ok()?.i64().ok()?.iter().collect(),
        })
    }

    /// A column of truth values, null as false.
    #[must_use]
    pub fn booleans(&self, name: &str) -> Option<Vec<bool>> {
        Some(self.column(name)?.bool().ok()?.iter().map(|value| value.unwrap_or(false)).collect())
    }

    /// A column of text, null as empty.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.column(name)?.str().ok()?.iter().map(Option::unwrap_or_default).collect())
    }

    /// Which rows are null.
    #[must_use]
    pub fn nulls(&self, name: &str) -> Option<Vec<bool>> {
        Some(self.column(name)?.is_null().iter().map(|null| null.unwrap_or(false)).collect())
    }

    /// How many rows are null.
    #[must_use]
    pub fn null_count(&self, name: &str) -> Option<usize> {
        self.column(name).map(Column::null_count)
    }

    /// [`Self::floats`] of a column that every version has.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn need_floats(&self, name: &str) -> Result<Vec<f64>, PartProblem> {
        self.floats(name).ok_or_else(|| missing(name, "f64"))
    }

    /// [`Self::integers`] of a column that every version has.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn need_integers(&self, name: &str) -> Result<Vec<Option<i64>>, PartProblem> {
        self.integers(name).ok_or_else(|| missing(name, "integer"))
    }

    /// [`Self::texts`] of a column that every version has.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn need_texts(&self, name: &str) -> Result<Vec<&str>, PartProblem> {
        self.texts(name).ok_or_else(|| missing(name, "str"))
    }
}

fn missing(name: &str, dtype: &'static str) -> PartProblem {
    PartProblem::NoColumn { name: name.to_owned(), dtype }
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
