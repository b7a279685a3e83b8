//! Names, types and order of a part's columns.

use super::Check;
use crate::logs::{Columns, LogKind, Origin, services_of_allocation};
use crate::part::Table;

pub(super) fn check(kind: LogKind, table: &Table, check: &mut Check<'_>) {
    let services = services_of_allocation(table.names());
    let Columns(columns) = Columns::of(kind, &services);
    let mut lacking = Vec::new();
    for column in &columns {
        match table.dtype(&column.name) {
            Some(dtype) if dtype != column.dtype.name() => {
                let text = format!("column {:?} is of type {dtype}; it has to be {}", column.name, column.dtype.name());
                check.error("columns of another type", None, text);
            }
            Some(_) => {}
            None if column.origin == Origin::Appended => lacking.push(column.name.as_str()),
            None => check.error("missing columns", None, format!("has no column {:?}", column.name)),
        }
        if !column.nullable && table.null_count(&column.name).is_some_and(|nulls| nulls > 0) {
            let row = table.nulls(&column.name).and_then(|nulls| nulls.iter().position(|null| *null));
            check.error("nulls", row, format!("column {:?} is null; every row has to have it", column.name));
        }
    }
    if !lacking.is_empty() {
        let text = format!("is of an older version: no column {}", lacking.join(", "));
        check.warning("parts of an older version", None, text);
    }
    let known = |name: &str| columns.iter().any(|column| column.name == name);
    for name in table.names().filter(|name| !known(name)) {
        check.error("unknown columns", None, format!("column {name:?} is in no version of this log"));
    }
    let there = columns.iter().filter(|column| table.has(&column.name));
    let in_file = table.names().filter(|name| known(name));
    if let Some((place, (column, name))) =
        there.zip(in_file).enumerate().find(|(_, (column, name))| column.name != *name)
    {
        let text = format!("column {place} is {name:?}; it has to be {:?}", column.name);
        check.error("columns out of order", None, text);
    }
}
