//! The run in the forms of other tools: ui.perfetto.dev, Foxglove, Prometheus.

pub mod mcap;
pub mod perfetto;
pub mod prometheus;

mod frames;

pub use frames::Window;
