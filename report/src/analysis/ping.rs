//! Log type 4: pings.

use super::Times;
use crate::part::{PartProblem, Table};

pub(super) const COLUMNS: &[&str] = &["ping_duration", "received"];

/// What the log says of a ping without an answer, s.
pub const LOST_PING_SECS: f64 = 1.0;

/// All pings.
#[derive(Clone, Debug, Default)]
pub struct PingStats {
    /// How many were sent.
    pub sent: u64,
    /// How many had no answer.
    pub lost: u64,
    /// Round trips of the others.
    pub round_trip: Times,
}

impl PingStats {
    /// Adds a part.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table) -> Result<(), PartProblem> {
        let durations = table.need_floats("ping_duration")?;
        let received = table.booleans("received");
        for (row, secs) in durations.into_iter().enumerate() {
            // The original has no word for a lost ping but this duration.
            let came =
                received.as_ref().map_or(secs != LOST_PING_SECS, |cells| cells.get(row).copied().unwrap_or(false));
            self.sent += 1;
            if came { self.round_trip.add(secs) } else { self.lost += 1 }
        }
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.lost += other.lost;
        self.round_trip.merge(&other.round_trip);
    }
}
