//! The columns of the experiment logs, each declared once: the writer, the tests and the documentation follow.
//!
//! Names, types and order are an interface that analysis notebooks read. Columns that this project added stand after
//! the old ones; nothing is ever inserted or renamed.

mod allocation_stat;
mod bandwidth_stat;
mod camera_contexts;
mod client_queries;
mod column;
mod column_spec;
mod image_context;
mod network_stat;
mod ping_loop;
mod server_results;

pub use allocation_stat::{AllocationRow, allocation_stat};
pub use bandwidth_stat::{BandwidthRow, bandwidth_stat};
pub use camera_contexts::{CameraRow, camera_contexts};
pub use client_queries::{QueryRow, client_queries};
pub use column::{Column, ColumnBuffer, ColumnValue, DType, Values, nullable, required};
pub use column_spec::ColumnSpec;
pub use image_context::{ImageRow, image_context};
pub use network_stat::{NetworkRow, network_stat};
pub use ping_loop::{PingRow, ping_loop};
pub use server_results::{ServedRow, server_results};

/// One column as documentation shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// Whether it may hold nulls.
    pub nullable: bool,
    /// What it holds, with its unit.
    pub meaning: &'static str,
}

/// The columns of a log, described.
///
/// ```
/// use telemetry::schema::{bandwidth_stat, describe};
/// let columns = describe(&bandwidth_stat());
/// assert_eq!(columns.first().map(|column| column.name.as_str()), Some("timestamp"));
/// ```
#[must_use]
pub fn describe<R>(columns: &[Column<R>]) -> Vec<ColumnInfo> {
    columns
        .iter()
        .map(|column| ColumnInfo {
            name: column.name().to_owned(),
            dtype: column.dtype(),
            nullable: column.is_nullable(),
            meaning: column.meaning(),
        })
        .collect()
}

fn secs(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64()
}

/// The original's counter is an `i32`; two years at 30 frames a second fit before it starts anew.
fn context_id(seq: u64) -> i32 {
    i32::try_from(seq & 0x7fff_ffff).unwrap_or_default()
}
