//! `turbo bench transport --soak`: minutes of faults in virtual time, and what stays on the heap.

use std::fmt;

use serde::Serialize;
use testkit::heap::held_by_this_thread;
use transport::certs::DevPki;
use transport::simulation::soak::{Soak, soak};

use crate::error::{BenchError, Result};

/// What the heap may have grown by from the first half of the minutes to the second, however many they are: maps and buffers keep the room that they
/// once needed, and a connection more or less is some 50 KB.
const ALLOWED_BYTES: i64 = 256 * 1_024;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct TransportSoak {
    /// Simulated minutes.
    pub minutes: u64,
    /// Frames given to three cars.
    pub frames: u64,
    /// Frames answered, however.
    pub answered: u64,
    /// Frames answered with detections by their deadline.
    pub on_time: u64,
    /// Times a car was connected when it had no connection.
    pub connected: u64,
    /// Times a car lost its connection or moved to another.
    pub left: u64,
    /// What the gateway refused.
    pub offences: u64,
    /// The heap at the end of each minute, in pieces below 1 MiB: without the stack's packet rings.
    pub heap_bytes: Vec<i64>,
    /// By how much the least of it grew from the first half of the minutes to the second.
    pub grown_bytes: i64,
    /// By how much it may.
    pub allowed_bytes: i64,
}

/// Runs it.
///
/// # Errors
/// What kept an endpoint from starting.
pub fn run(minutes: u64) -> Result<TransportSoak> {
    let dir = tempfile::tempdir().map_err(BenchError::library("a temporary folder"))?;
    let pki = DevPki::create(dir.path()).map_err(BenchError::library("certificates"))?;
    let soaked = soak(Soak { seed: 1, minutes, heap_bytes: held_by_this_thread }, &pki);
    let soaked = soaked.map_err(|error| BenchError::Violated(error.to_string()))?;
    Ok(TransportSoak {
        minutes,
        frames: soaked.frames,
        answered: soaked.answered,
        on_time: soaked.on_time,
        connected: soaked.connected,
        left: soaked.left,
        offences: soaked.offences,
        grown_bytes: soaked.grown_bytes(),
        heap_bytes: soaked.heap_bytes,
        allowed_bytes: ALLOWED_BYTES,
    })
}

impl TransportSoak {
    /// Whether the heap is as it was.
    ///
    /// # Errors
    /// [`BenchError::Violated`] where it grew by more than it may.
    pub fn judge(&self) -> Result<()> {
        if self.grown_bytes <= self.allowed_bytes {
            return Ok(());
        }
        Err(BenchError::Violated(format!("the heap grew by {} bytes", self.grown_bytes)))
    }
}

impl fmt::Display for TransportSoak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} simulated minutes: {} frames, {} answered, {} on time; {} times connected, {} times moved or lost; {} \
             offences; the heap grew by {} bytes from the first half to the second ({} allowed)",
            self.minutes,
            self.frames,
            self.answered,
            self.on_time,
            self.connected,
            self.left,
            self.offences,
            self.grown_bytes,
            self.allowed_bytes
        )
    }
}
