//! Log type 4, `ping_loop_allservices_temp{K}.csv`: on the car, one row per ping.

use super::{Column, required, secs};
use crate::records::PingRecord;
use crate::run_clock::RunClock;

/// What the log says of a ping that was not answered, as in the original.
const LOST_SECS: f64 = 1.0;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct PingRow {
    record: PingRecord,
    spawn_timestamp_secs: f64,
}

impl PingRow {
    /// The row of one ping.
    #[must_use]
    pub fn of(record: &PingRecord, clock: &RunClock) -> Self {
        Self { record: *record, spawn_timestamp_secs: clock.unix_secs(record.sent) }
    }
}

/// The columns, in order.
#[must_use]
pub fn ping_loop() -> Vec<Column<PingRow>> {
    type Row = PingRow;
    vec![
        required("spawn_timestamp_secs", "Unix time at which it was sent, s", |row: &Row| row.spawn_timestamp_secs),
        required("ping_duration", "round trip, s; 1.0 where no answer came", |row: &Row| {
            row.record.round_trip.map_or(LOST_SECS, secs)
        }),
        required("received", "whether an answer came", |row: &Row| row.record.round_trip.is_some()),
    ]
}
