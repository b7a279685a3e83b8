//! Log type 7, `network_stat_log_service{N}_part{K}.parquet`: on both sides, one row per service and interval.

use super::{Column, required, secs};
use crate::records::NetworkRecord;
use crate::run_clock::RunClock;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct NetworkRow {
    record: NetworkRecord,
    instant_timestamp: f64,
    timestamp_unix: f64,
}

impl NetworkRow {
    /// The row of one look at the counters.
    #[must_use]
    pub fn of(record: &NetworkRecord, clock: &RunClock) -> Self {
        Self {
            record: *record,
            instant_timestamp: clock.since_start_secs(record.at),
            timestamp_unix: clock.unix_secs(record.at),
        }
    }
}

/// The columns, in order.
#[must_use]
pub fn network_stat() -> Vec<Column<NetworkRow>> {
    type Row = NetworkRow;
    let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    vec![
        required(
            "timestamp",
            "since the connection was established (cloud: since the gateway listens), s; NaN while there is none",
            |row: &Row| row.record.since_connection.map_or(f64::NAN, secs),
        ),
        required("instant_timestamp", "since the run's start, s", |row: &Row| row.instant_timestamp),
        required("tx_cnt", "bytes given to QUIC since the start; never falls", move |row: &Row| {
            count(row.record.sent_bytes)
        }),
        required("rx_cnt", "bytes that came from QUIC since the start; never falls", move |row: &Row| {
            count(row.record.received_bytes)
        }),
        required("timestamp_unix", "Unix time, s", |row: &Row| row.timestamp_unix),
    ]
}
