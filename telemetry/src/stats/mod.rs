//! What a run amounts to, in numbers: totals, and the last second.

mod service;
mod window;

pub use service::{RunStats, ServiceStats};
pub use window::{Window, Windows};
