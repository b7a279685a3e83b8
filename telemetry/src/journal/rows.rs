//! A push's rows as bytes, and back: column by column, as the buffers of a part hold them.

use parquet::data_type::ByteArray;

use super::cursor::{Cursor, put_text};
use crate::schema::{ColumnBuffer, ColumnSpec, DType, Values};

/// How much a buffer held before a push.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    values: usize,
    levels: usize,
}

impl Mark {
    pub(crate) fn of(buffer: &ColumnBuffer) -> Self {
        Self { values: buffer.values.len(), levels: buffer.levels.as_ref().map_or(0, Vec::len) }
    }
}

/// Appends what each buffer has got since its mark.
pub(super) fn encode<'a>(
    rows: usize,
    columns: impl IntoIterator<Item = (&'a ColumnBuffer, &'a Mark)>,
    into: &mut Vec<u8>,
) {
    into.extend_from_slice(&u32::try_from(rows).unwrap_or(u32::MAX).to_le_bytes());
    for (buffer, mark) in columns {
        if let Some(levels) = &buffer.levels {
            into.extend(levels.iter().skip(mark.levels).map(|&level| u8::from(level != 0)));
        }
        let from = mark.values;
        match &buffer.values {
            Values::Bool(values) => into.extend(values.iter().skip(from).map(|&value| u8::from(value))),
            Values::I32(values) => into.extend(values.iter().skip(from).flat_map(|value| value.to_le_bytes())),
            Values::I64(values) => into.extend(values.iter().skip(from).flat_map(|value| value.to_le_bytes())),
            Values::F64(values) => into.extend(values.iter().skip(from).flat_map(|value| value.to_le_bytes())),
            Values::Bytes(values) => values.iter().skip(from).for_each(|text| put_text(text.data(), into)),
        }
    }
}

/// The rows of one payload, and how many; `None` where it does not fit the columns.
pub(super) fn decode(payload: &[u8], columns: &[ColumnSpec]) -> Option<(u64, Vec<ColumnBuffer>)> {
    let mut cursor = Cursor::new(payload);
    let rows = cursor.u32()?;
    let count = usize::try_from(rows).ok()?;
    let buffers = columns.iter().map(|column| decode_column(&mut cursor, column, count)).collect::<Option<_>>()?;
    cursor.is_empty().then_some((u64::from(rows), buffers))
}

fn decode_column(cursor: &mut Cursor<'_>, column: &ColumnSpec, rows: usize) -> Option<ColumnBuffer> {
    let mut buffer = column.buffer();
    let mut count = rows;
    if let Some(levels) = &mut buffer.levels {
        let bytes = cursor.bytes(rows)?;
        if bytes.iter().any(|&byte| byte > 1) {
            return None;
        }
        levels.extend(bytes.iter().map(|&byte| i16::from(byte)));
        count = bytes.iter().filter(|&&byte| byte == 1).count();
    }
    match &mut buffer.values {
        Values::Bool(values) => {
            let bytes = cursor.bytes(count)?;
            if bytes.iter().any(|&byte| byte > 1) {
                return None;
            }
            values.extend(bytes.iter().map(|&byte| byte == 1));
        }
        Values::I32(values) => {
            *values = cursor.values(count, i32::from_le_bytes)?;
            if !values.iter().all(|&value| in_range(column.dtype, value)) {
                return None;
            }
        }
        Values::I64(values) => *values = cursor.values(count, i64::from_le_bytes)?,
        Values::F64(values) => *values = cursor.values(count, f64::from_le_bytes)?,
        Values::Bytes(values) => {
            for _ in 0..count {
                values.push(ByteArray::from(cursor.text()?.as_bytes().to_vec()));
            }
        }
    }
    Some(buffer)
}

fn in_range(dtype: DType, value: i32) -> bool {
    match dtype {
        DType::I8 => i8::try_from(value).is_ok(),
        DType::U16 => u16::try_from(value).is_ok(),
        _ => true,
    }
}

/// Appends rows to those of earlier records.
pub(super) fn append(all: &mut [ColumnBuffer], rows: Vec<ColumnBuffer>) {
    for (all, rows) in all.iter_mut().zip(rows) {
        if let (Some(all), Some(mut levels)) = (&mut all.levels, rows.levels) {
            all.append(&mut levels);
        }
        match (&mut all.values, rows.values) {
            (Values::Bool(all), Values::Bool(mut values)) => all.append(&mut values),
            (Values::I32(all), Values::I32(mut values)) => all.append(&mut values),
            (Values::I64(all), Values::I64(mut values)) => all.append(&mut values),
            (Values::F64(all), Values::F64(mut values)) => all.append(&mut values),
            (Values::Bytes(all), Values::Bytes(mut values)) => all.append(&mut values),
            // Both were made from the same column.
            _ => {}
        }
    }
}
