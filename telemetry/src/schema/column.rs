//! A column: its name, its type, and how to read it from a row.

use std::sync::Arc;

use parquet::basic::{LogicalType, Type as Physical};
use parquet::data_type::ByteArray;

use super::ColumnSpec;

/// The type of a column, as the logs' specification spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    /// Boolean.
    Bool,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 16-bit integer.
    U16,
    /// Signed 32-bit integer.
    I32,
    /// Unsigned 32-bit integer.
    U32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 64-bit integer.
    U64,
    /// 64-bit floating point.
    F64,
    /// UTF-8 text.
    Str,
}

impl DType {
    /// The specification's name: `bool`, `i8` … `f64`, `str`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F64 => "f64",
            Self::Str => "str",
        }
    }

    pub(super) fn physical(self) -> Physical {
        match self {
            Self::Bool => Physical::BOOLEAN,
            Self::I8 | Self::U16 | Self::I32 | Self::U32 => Physical::INT32,
            Self::I64 | Self::U64 => Physical::INT64,
            Self::F64 => Physical::DOUBLE,
            Self::Str => Physical::BYTE_ARRAY,
        }
    }

    pub(super) fn logical(self) -> Option<LogicalType> {
        match self {
            Self::Bool | Self::F64 => None,
            Self::I8 => Some(LogicalType::integer(8, true)),
            Self::U16 => Some(LogicalType::integer(16, false)),
            Self::I32 => Some(LogicalType::integer(32, true)),
            Self::U32 => Some(LogicalType::integer(32, false)),
            Self::I64 => Some(LogicalType::integer(64, true)),
            Self::U64 => Some(LogicalType::integer(64, false)),
            Self::Str => Some(LogicalType::String),
        }
    }
}

/// Values in Parquet's physical types.
#[derive(Clone, Debug)]
pub enum Values {
    /// BOOLEAN.
    Bool(Vec<bool>),
    /// INT32.
    I32(Vec<i32>),
    /// INT64.
    I64(Vec<i64>),
    /// DOUBLE.
    F64(Vec<f64>),
    /// BYTE_ARRAY.
    Bytes(Vec<ByteArray>),
}

/// What a column's getter may return.
pub trait ColumnValue {
    /// The column type it makes.
    const DTYPE: DType;
    /// Appends it; `values` always is of `DTYPE`'s physical type.
    fn store(self, values: &mut Values);
}

macro_rules! column_value {
    ($($rust:ty => $dtype:ident in $values:ident via $convert:expr),+ $(,)?) => {$(
        impl ColumnValue for $rust {
            const DTYPE: DType = DType::$dtype;
            fn store(self, values: &mut Values) {
                if let Values::$values(values) = values {
                    let convert: fn($rust) -> _ = $convert;
                    values.push(convert(self));
                }
            }
        }
    )+};
}

column_value! {
    bool => Bool in Bool via |value| value,
    i8 => I8 in I32 via i32::from,
    u16 => U16 in I32 via i32::from,
    i32 => I32 in I32 via |value| value,
    u32 => U32 in I32 via u32::cast_signed,
    i64 => I64 in I64 via |value| value,
    u64 => U64 in I64 via u64::cast_signed,
    f64 => F64 in F64 via |value| value,
    String => Str in Bytes via |text| ByteArray::from(text.into_bytes()),
    &'static str => Str in Bytes via |text| ByteArray::from(text.as_bytes().to_vec()),
    Arc<str> => Str in Bytes via |text| ByteArray::from(text.as_bytes().to_vec()),
}

/// The values that one column has gathered for the part in the making.
#[derive(Clone, Debug)]
pub struct ColumnBuffer {
    /// The values that are there.
    pub values: Values,
    /// For a nullable column, 1 per row with a value and 0 per null (Parquet's definition levels).
    pub levels: Option<Vec<i16>>,
}

impl Values {
    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ColumnBuffer {
    /// How many rows it holds, null or not.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.levels.as_ref().map_or(self.values.len(), Vec::len)
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        match &mut self.values {
            Values::Bool(values) => values.clear(),
            Values::I32(values) => values.clear(),
            Values::I64(values) => values.clear(),
            Values::F64(values) => values.clear(),
            Values::Bytes(values) => values.clear(),
        }
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
    }
}

type Gather<R> = Box<dyn Fn(&R, &mut ColumnBuffer) + Send>;

/// One column of a log whose rows are `R`.
pub struct Column<R> {
    spec: ColumnSpec,
    meaning: &'static str,
    gather: Gather<R>,
}

/// A column that every row fills.
pub fn required<R, V: ColumnValue>(
    name: impl Into<String>,
    meaning: &'static str,
    get: impl Fn(&R) -> V + Send + 'static,
) -> Column<R> {
    let gather: Gather<R> = Box::new(move |row, buffer| get(row).store(&mut buffer.values));
    Column { spec: ColumnSpec { name: name.into(), dtype: V::DTYPE, nullable: false }, meaning, gather }
}

/// A column that a row may leave null.
pub fn nullable<R, V: ColumnValue>(
    name: impl Into<String>,
    meaning: &'static str,
    get: impl Fn(&R) -> Option<V> + Send + 'static,
) -> Column<R> {
    let gather: Gather<R> = Box::new(move |row, buffer| {
        let value = get(row);
        if let Some(levels) = &mut buffer.levels {
            levels.push(i16::from(value.is_some()));
        }
        if let Some(value) = value {
            value.store(&mut buffer.values);
        }
    });
    Column { spec: ColumnSpec { name: name.into(), dtype: V::DTYPE, nullable: true }, meaning, gather }
}

impl<R> Column<R> {
    /// Its name, type and nullability: what a file needs to know.
    #[must_use]
    pub const fn spec(&self) -> &ColumnSpec {
        &self.spec
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The type.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        self.spec.dtype
    }

    /// Whether rows may leave it null.
    #[must_use]
    pub const fn is_nullable(&self) -> bool {
        self.spec.nullable
    }

    /// What it holds, with its unit.
    #[must_use]
    pub const fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// Appends this column's value of `row`.
    pub fn gather(&self, row: &R, buffer: &mut ColumnBuffer) {
        (self.gather)(row, buffer);
    }
}
