//! Log types 5, 6 and 7: time goes on, and what is counted from the start never falls.

use super::{Check, Rows};
use crate::part::Table;

#[derive(Default)]
pub(super) struct Instants {
    last: [Option<f64>; COLUMNS.len()],
}

/// Columns that never fall, and whether it is an error where they do; rows of several threads may be merged a little
/// out of order.
const COLUMNS: [(&str, bool); 3] = [("instant_timestamp", false), ("tx_cnt", true), ("rx_cnt", true)];

impl Rows for Instants {
    fn part(&mut self, table: &Table, check: &mut Check<'_>) {
        check.unix("timestamp_unix", table.floats("timestamp_unix"));
        for (last, (column, is_error)) in self.last.iter_mut().zip(COLUMNS) {
            let counts = || Some(table.integers(column)?.into_iter().map(|count| count.unwrap_or(0) as f64).collect());
            let cells: Vec<f64> = table.floats(column).or_else(counts).unwrap_or_default();
            for (row, cell) in cells.into_iter().enumerate() {
                if let Some(last) = last.filter(|last| cell < *last) {
                    let text = format!("{column} falls from {last} to {cell}; it counts from the run's start");
                    match is_error {
                        true => check.error("counters that fall", Some(row), text),
                        false => check.warning("rows out of order", Some(row), text),
                    }
                }
                *last = Some(cell);
            }
        }
        for name in table.names().filter(|name| name.starts_with("allocation_service")) {
            let say = |share| format!("{name} is {share} bytes/s");
            check.each("negative shares", table.floats(name), |share| share.is_nan() || share >= 0.0, say);
        }
    }
}
