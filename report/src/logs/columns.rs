//! The columns that each log has to have: those that the writers declare, and which of them are not the original's.

use std::collections::BTreeSet;

use telemetry::schema::{
    DType, allocation_stat, bandwidth_stat, camera_contexts, client_queries, describe, image_context, network_stat,
    ping_loop, server_results,
};

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
            CameraContexts => describe(&camera_contexts()),
            PingLoop => describe(&ping_loop()),
            NetworkStat => describe(&network_stat()),
            ImageContext => describe(&image_context()),
        };
        let appended = first_appended(kind);
        let mut origin = Origin::Original;
        let columns = declared.into_iter().map(|column| {
            if column.name == appended {
                origin = Origin::Appended;
            }
            ColumnSpec { name: column.name, dtype: column.dtype, nullable: column.nullable, origin }
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
        assert_eq!(counts, [(25, 8), (5, 2), (13, 7), (2, 1), (4, 4), (7, 8), (4, 1), (9, 1)]);
    }

    #[test]
    fn services_are_found_in_the_columns_that_are_made_of_them() {
        let Columns(columns) = Columns::of(LogKind::AllocationStat, &[4, 2, 9]);
        assert_eq!(services_of_allocation(columns.iter().map(|column| column.name.as_str())), [4, 2, 9]);
    }
}
