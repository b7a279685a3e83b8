//! Log type 6, `allocation_stat_log_allservices_part{K}.parquet`: on the car, one row per allocation.

use std::sync::Arc;

use super::{Column, required, secs};
use crate::names::Names;
use crate::records::{AllocationRecord, MAX_SERVICES};
use crate::run_clock::RunClock;

/// One row.
#[derive(Clone, Debug)]
pub struct AllocationRow {
    record: AllocationRecord,
    configs: heapless::Vec<(u16, Arc<str>), MAX_SERVICES>,
    policy: Arc<str>,
    instant_timestamp: f64,
    timestamp_unix: f64,
}

impl AllocationRow {
    /// The row of one allocation.
    #[must_use]
    pub fn of(record: &AllocationRecord, clock: &RunClock, names: &Names) -> Self {
        Self {
            configs: record.services.iter().map(|share| (share.service, names.get(share.config))).collect(),
            policy: names.get(record.policy),
            instant_timestamp: clock.since_start_secs(record.at),
            timestamp_unix: clock.unix_secs(record.at),
            record: record.clone(),
        }
    }

    fn config(&self, service: u16) -> Arc<str> {
        let found = self.configs.iter().find(|(number, _)| *number == service);
        found.map_or_else(|| Arc::from(""), |(_, config)| Arc::clone(config))
    }
}

/// The columns for these services, in order: a share and a configuration for each, in the order given. A row that
/// does not know one of the services has NaN and an empty name there.
#[must_use]
pub fn allocation_stat(services: &[u16]) -> Vec<Column<AllocationRow>> {
    type Row = AllocationRow;
    let mut columns = vec![
        required("timestamp", "since the connection was established, s; NaN while there is none", |row: &Row| {
            row.record.since_connection.map_or(f64::NAN, secs)
        }),
        required("instant_timestamp", "since the run's start, s", |row: &Row| row.instant_timestamp),
    ];
    for &service in services {
        columns.push(required(
            format!("allocation_service{service}"),
            "share of the uplink, bytes/s",
            move |row: &Row| {
                let share = row.record.services.iter().find(|share| share.service == service);
                share.map_or(f64::NAN, |share| share.bytes_per_s)
            },
        ));
        columns.push(required(format!("model_config_service{service}"), "model configuration", move |row: &Row| {
            row.config(service)
        }));
    }
    columns.extend([
        required("expected_utility", "weighted sum of the utilities expected", |row: &Row| row.record.expected_utility),
        required("timestamp_unix", "Unix time, s", |row: &Row| row.timestamp_unix),
        required("available", "what there was to divide, bytes/s", |row: &Row| row.record.available_bytes_per_s),
        required("rtt", "round trip it was computed with, s", |row: &Row| secs(row.record.rtt)),
        required("on_vehicle_utility", "utility of the on-vehicle detector alone", |row: &Row| {
            row.record.on_vehicle_utility
        }),
        required("solve_time", "time the solver took, s", |row: &Row| secs(row.record.solve_time)),
        required("policy", "the policy that made it", |row: &Row| Arc::clone(&row.policy)),
    ]);
    for &service in services {
        columns.push(required(
            format!("weight_service{service}"),
            "how much its accuracy counted",
            move |row: &Row| {
                let share = row.record.services.iter().find(|share| share.service == service);
                share.map_or(f64::NAN, |share| share.weight)
            },
        ));
    }
    columns
}
