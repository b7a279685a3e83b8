//! Log type 5, `bandwidth_stat_log_allservices_part{K}.parquet`: on the car, one row per sample of the link.

use super::{Column, required, secs};
use crate::records::LinkRecord;
use crate::run_clock::RunClock;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct BandwidthRow {
    record: LinkRecord,
    instant_timestamp: f64,
    timestamp_unix: f64,
}

impl BandwidthRow {
    /// The row of one sample.
    #[must_use]
    pub fn of(record: &LinkRecord, clock: &RunClock) -> Self {
        Self {
            record: *record,
            instant_timestamp: clock.since_start_secs(record.at),
            timestamp_unix: clock.unix_secs(record.at),
        }
    }
}

/// The columns, in order.
#[must_use]
pub fn bandwidth_stat() -> Vec<Column<BandwidthRow>> {
    type Row = BandwidthRow;
    vec![
        required("timestamp", "since the connection was established, s", |row: &Row| secs(row.record.since_connection)),
        required("instant_timestamp", "since the run's start, s", |row: &Row| row.instant_timestamp),
        required("rtt", "smoothed round trip, s", |row: &Row| secs(row.record.rtt)),
        required("cwnd", "congestion window, bytes", |row: &Row| row.record.cwnd_bytes),
        required("timestamp_unix", "Unix time, s", |row: &Row| row.timestamp_unix),
        required("delivery_rate", "bytes/s that acknowledgements showed", |row: &Row| {
            row.record.delivery_rate_bytes_per_s
        }),
        required("app_limited", "whether the application limited that rate", |row: &Row| row.record.app_limited),
        required("estimate", "capacity given to the allocator, bytes/s", |row: &Row| row.record.estimate_bytes_per_s),
    ]
}
