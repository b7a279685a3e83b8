//! The runs as JSON, CSV, Parquet, tables and plots.

mod columns;
mod compare;
mod plot;
mod text;

pub use columns::{csv, json, parquet};
pub use plot::{course_plot, utility_plot};
pub use text::tables;
