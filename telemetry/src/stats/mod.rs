//! What a run amounts to, in numbers: totals, histograms per hop, and the last second.

mod hops;
mod service;
mod window;

pub use hops::{HopHistograms, Quantiles};
pub use service::{RunStats, ServiceStats};
pub use window::{Window, Windows};
