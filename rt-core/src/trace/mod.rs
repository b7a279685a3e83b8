//! Built-in tracing: what every frame and every thread spent, measured all the time because it costs next to nothing.
//!
//! Hops and counters are declared once, by a macro each; names, histograms and exports follow from the declaration.
//! Real-time threads only push small records and add to counters of their own; whoever keeps the books drains, merges
//! and exports. Nothing on the pushing side allocates, waits or makes a system call, and what finds no room is counted.

pub(crate) mod count;
pub mod counters;
pub mod emitter;
mod histograms;
mod hops;
pub mod images;
mod stamps;
pub mod traffic;

pub use histograms::{HopHistograms, ImportError, LatencyHistogram, Quantiles};
pub use hops::{Hop, HopTimes};
pub use stamps::{Drained, Stamp, Stamper, Tracer};
