//! Columns of a part as plain Rust values.

use polars::prelude::{Column, DataFrame, DataType};

use super::{FieldInfo, PartProblem};

/// What was read of a part.
pub struct Table {
    rows: usize,
    fields: Vec<FieldInfo>,
    frame: DataFrame,
}

impl Table {
    pub(super) fn new(rows: usize, fields: Vec<FieldInfo>, frame: DataFrame) -> Self {
        Self { rows, fields, frame }
    }

    /// How many rows the part has.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Every column of the file, read or not, in the file's order.
    #[must_use]
    pub fn fields(&self) -> &[FieldInfo] {
        &self.fields
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.frame.column(name).ok()
    }

    /// The column's type, where the file has it.
    #[must_use]
    pub fn dtype(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.dtype.as_str())
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
        if matches!(column.dtype(), DataType::Float32 | DataType::Float64 | DataType::Boolean) {
            return None;
        }
        let cast = column.cast(&DataType::Int64).ok()?;
        Some(cast.i64().ok()?.iter().collect())
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
