//! Log type 4: a lost ping is one second long.

use super::{Check, Rows};
use crate::analysis::LOST_PING_SECS;
use crate::part::Table;

#[derive(Default)]
pub(super) struct Pings;

impl Rows for Pings {
    fn part(&mut self, table: &Table, check: &mut Check<'_>) {
        check.unix("spawn_timestamp_secs", table.floats("spawn_timestamp_secs"));
        let durations = table.floats("ping_duration").unwrap_or_default();
        let Some(received) = table.booleans("received") else { return };
        let wrong = durations.iter().zip(received).position(|(secs, received)| {
            let lost = *secs == LOST_PING_SECS;
            secs.is_nan() || *secs < 0.0 || (!received && !lost)
        });
        if let Some(row) = wrong {
            let text = format!(
                "a ping without an answer has a duration of {LOST_PING_SECS:.1} s, one with an answer at least 0"
            );
            check.error("pings that contradict", Some(row), text);
        }
    }
}
