//! A column without the rows it is read from: what a part file declares, and what a journal writes down so that
//! another process can make the part.

use std::sync::Arc;

use parquet::basic::{Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type, TypePtr};

use super::{ColumnBuffer, DType, Values};

/// Name, type and nullability of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

impl ColumnSpec {
    /// An empty buffer of this column's type.
    #[must_use]
    pub fn buffer(&self) -> ColumnBuffer {
        let values = match self.dtype.physical() {
            Physical::BOOLEAN => Values::Bool(Vec::new()),
            Physical::INT32 => Values::I32(Vec::new()),
            Physical::INT64 => Values::I64(Vec::new()),
            Physical::DOUBLE => Values::F64(Vec::new()),
            _ => Values::Bytes(Vec::new()),
        };
        ColumnBuffer { values, levels: self.nullable.then(Vec::new) }
    }

    /// The column in Parquet's schema language.
    ///
    /// # Errors
    /// Parquet's, which no declared column meets.
    pub fn parquet_type(&self) -> Result<TypePtr, ParquetError> {
        let repetition = if self.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        Type::primitive_type_builder(&self.name, self.dtype.physical())
            .with_repetition(repetition)
            .with_logical_type(self.dtype.logical())
            .build()
            .map(Arc::new)
    }
}

impl DType {
    const ALL: [Self; 9] =
        [Self::Bool, Self::I8, Self::U16, Self::I32, Self::U32, Self::I64, Self::U64, Self::F64, Self::Str];

    /// The type of that [`Self::name`].
    ///
    /// ```
    /// use telemetry::schema::DType;
    /// assert_eq!(DType::from_name("u16"), Some(DType::U16));
    /// assert_eq!(DType::from_name("u128"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}
