//! The columns that each log has to have: those that the writers declare, and which of them are not the original's.

use std::collections::BTreeSet;

use telemetry::schema::{DType, allocation_stat, bandwidth_stat, client_queries, describe, server_results};

use super::LogKind;
use super::LogKind::{
    AllocationStat, BandwidthStat, CameraContexts, ClientQueries, ImageContext, NetworkStat, PingLoop, ServerResults,
};

/// Whether the original had a column, or a later version appended it; older runs lack the latter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In every version.
    Original,
    /// Appended by this project.
    Appended,
}

/// One column as the specification has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// Whether it may hold nulls.
    pub nullable: bool,
    /// Since when it is there.
    pub origin: Origin,
}

/// All columns of a log, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(pub Vec<ColumnSpec>);

impl Columns {
    /// The columns of a log of this type. `services` matter to log type 6 alone, which has two for each.
    #[must_use]
    pub fn of(kind: LogKind, services: &[u16]) -> Self {
        let declared = match kind {
            ClientQueries => describe(&client_queries()),
            ServerResults => describe(&server_results()),
            BandwidthStat => describe(&bandwidth_stat()),
            AllocationStat => describe(&allocation_stat(services)),
            CameraContexts => return Self::table(kind, CAMERA_CONTEXTS),
            PingLoop => return Self::table(kind, PING_LOOP),
            NetworkStat => return Self::table(kind, NETWORK_STAT),
            ImageContext => return Self::table(kind, IMAGE_CONTEXT),
        };
        let columns = declared.into_iter().map(|column| (column.name, column.dtype, column.nullable));
        Self::new(kind, columns)
    }

    fn table(kind: LogKind, columns: &[(&str, DType)]) -> Self {
        Self::new(kind, columns.iter().map(|&(name, dtype)| (name.to_owned(), dtype, false)))
    }

    fn new(kind: LogKind, columns: impl Iterator<Item = (String, DType, bool)>) -> Self {
        let appended = first_appended(kind);
        let mut origin = Origin::Original;
        let columns = columns.map(|(name, dtype, nullable)| {
            if name == appended {
                origin = Origin::Appended;
            }
            ColumnSpec { name, dtype, nullable, origin }
        });
        Self(columns.collect())
    }
}

/// The services that the columns of log type 6 name, in their order.
#[must_use]
pub fn services_of_allocation<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u16> {
    let mut seen = BTreeSet::new();
    names
        .filter_map(|name| name.strip_prefix("allocation_service")?.parse().ok())
        .filter(|service| seen.insert(*service))
        .collect()
}

/// Everything from this column on was appended to the original's.
const fn first_appended(kind: LogKind) -> &'static str {
    match kind {
        ClientQueries | CameraContexts => "frame_seq",
        ServerResults => "car_id",
        PingLoop => "received",
        BandwidthStat | AllocationStat | NetworkStat => "timestamp_unix",
        ImageContext => "outcome",
    }
}

// The four logs below are not declared by the telemetry crate that this was built with; where it declares one, its
// `describe` takes the place of the table.

const CAMERA_CONTEXTS: &[(&str, DType)] = &[
    ("context_id", DType::Str),
    ("camera_id", DType::Str),
    ("spawn_timestamp_secs", DType::F64),
    ("camera_image_path", DType::Str),
    ("image_age", DType::F64),
    ("frame_seq", DType::U64),
    ("dropped_before", DType::U32),
];

const PING_LOOP: &[(&str, DType)] =
    &[("spawn_timestamp_secs", DType::F64), ("ping_duration", DType::F64), ("received", DType::Bool)];

const NETWORK_STAT: &[(&str, DType)] = &[
    ("timestamp", DType::F64),
    ("instant_timestamp", DType::F64),
    ("tx_cnt", DType::I64),
    ("rx_cnt", DType::I64),
    ("timestamp_unix", DType::F64),
];

const IMAGE_CONTEXT: &[(&str, DType)] = &[
    ("image_context", DType::I32),
    ("begin_time_secs", DType::F64),
    ("end_time_secs", DType::F64),
    ("end_time_secs_normalized", DType::F64),
    ("begin_time_epoch_secs", DType::F64),
    ("end_time_epoch_secs", DType::F64),
    ("ack_delay_secs", DType::F64),
    ("image_size_bytes", DType::I32),
    ("record_type", DType::Str),
    ("outcome", DType::Str),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of the original, counted in its documentation, and those appended, counted in the specification.
    #[test]
    fn every_log_has_the_specification_s_number_of_columns() {
        let counts = LogKind::ALL.map(|kind| {
            let Columns(columns) = Columns::of(kind, &[1, 2]);
            let original = columns.iter().filter(|column| column.origin == Origin::Original).count();
            (original, columns.len() - original)
        });
        assert_eq!(counts, [(25, 8), (5, 2), (13, 7), (2, 1), (4, 4), (7, 6), (4, 1), (9, 1)]);
    }

    #[test]
    fn services_are_found_in_the_columns_that_are_made_of_them() {
        let Columns(columns) = Columns::of(LogKind::AllocationStat, &[4, 2, 9]);
        assert_eq!(services_of_allocation(columns.iter().map(|column| column.name.as_str())), [4, 2, 9]);
    }
}
