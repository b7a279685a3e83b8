//! What the link of `turbo demo` was like, so that a run over it can be told, and simulated, again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The car's flag with it as JSON, by which it comes into the command line in `run.yaml`.
pub const FLAG: &str = "--emulated-link";

/// A link that `turbo demo` emulates, by its own flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmulatedLink {
    /// The trace's file, absolute; the generated one without it.
    pub trace: Option<PathBuf>,
    /// What the trace is scaled to; as recorded without it.
    pub mean_mbps: Option<f64>,
    /// Round trip of the idle link.
    pub rtt_ms: f64,
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Seed of the generated trace and of the losses.
    pub seed: Option<u64>,
    /// When the trace began, `CLOCK_MONOTONIC`.
    pub began_monotonic_ns: u64,
}

impl EmulatedLink {
    /// What reports call the trace: the file, or `generated:SEED`.
    #[must_use]
    pub fn trace_name(&self) -> String {
        match &self.trace {
            Some(file) => file.display().to_string(),
            None => format!("generated:{}", self.seed.unwrap_or(crate::verbs::link::DEFAULT_SEED)),
        }
    }
}
