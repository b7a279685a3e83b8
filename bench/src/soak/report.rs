//! What a soak leaves.

use std::fmt::Write as _;

use serde::Serialize;

use super::books::{Received, Sent};
use super::memory::Memory;
use super::stages::FaultCounts;

/// One hop's accounts, balanced.
#[derive(Clone, Debug, Serialize)]
pub struct HopReport {
    /// The hop.
    pub name: String,
    /// Descriptors handed over.
    pub sent: u64,
    /// Of these, counted as overtaken, refused, or taken by a peer that was killed.
    pub lost: u64,
    /// Of these, arrived.
    pub received: u64,
}

impl HopReport {
    /// From both books.
    #[must_use]
    pub fn new(sent: &Sent, received: &Received) -> Self {
        Self {
            name: received.hop().to_owned(),
            sent: sent.sent.count,
            lost: sent.lost.count,
            received: received.received.count,
        }
    }
}

/// The whole soak.
#[derive(Debug, Serialize)]
pub struct SoakReport {
    /// How long it ran.
    pub seconds: f64,
    /// Its seed.
    pub seed: u64,
    /// Every hop whose books were balanced.
    pub hops: Vec<HopReport>,
    /// Faults that were injected.
    pub faults: FaultCounts,
    /// Whether memory stayed flat.
    pub memory: Memory,
    /// What must never happen and did; empty for a soak that passed.
    pub violations: Vec<String>,
}

impl SoakReport {
    /// The table, for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<40} {:>12} {:>12} {:>12}", "hop", "sent", "lost, counted", "received");
        for HopReport { name, sent, lost, received } in &self.hops {
            let _ = writeln!(text, "{name:<40} {sent:>12} {lost:>12} {received:>12}");
        }
        let faults = self.faults;
        let _ = writeln!(
            text,
            "faults: {} stalls, {} hoards, {} times a dry pool, {} peers killed and replaced",
            faults.stalls, faults.hoards, faults.dry, faults.kills
        );
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        let memory = self.memory;
        let _ = writeln!(
            text,
            "resident memory {:.2} -> {:.2} MiB, open descriptors {} -> {} (medians of the first and the last quarter)",
            mib(memory.first_bytes),
            mib(memory.last_bytes),
            memory.first_descriptors,
            memory.last_descriptors
        );
        for violation in &self.violations {
            let _ = writeln!(text, "VIOLATION: {violation}");
        }
        let verdict = if self.violations.is_empty() { "passed" } else { "FAILED" };
        let _ = writeln!(text, "{verdict} after {:.0} s, seed {}", self.seconds, self.seed);
        text
    }
}
