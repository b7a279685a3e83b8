//! What `turbo simulate` adds to the pure simulator: traces, tables, the live car's estimator, the grid, the reports.

mod grid;
pub mod like;
mod link;
mod logs;
pub mod report;

pub use grid::{Grid, NamedTrace, Run};

use std::path::Path;

use config::Profile;
use config::table::UtilityTable;

use crate::failure::Failure;

/// The table that needs no file: the prototype's published costs with published accuracies.
const DEFAULT_TABLE: &str = include_str!("../../config/tables/efficientdet-coco.yaml");

/// The table at `path`, or the default.
///
/// # Errors
/// [`Failure::Config`] with file, line and what would be right.
pub fn table(path: Option<&Path>) -> Result<UtilityTable, Failure> {
    match path {
        Some(path) => UtilityTable::load(path),
        None => UtilityTable::parse(DEFAULT_TABLE, Path::new("efficientdet-coco.yaml")),
    }
    .map_err(Failure::config)
}
