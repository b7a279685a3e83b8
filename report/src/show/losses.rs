//! What is missing, in one line.

use super::count;
use crate::report::Missing;

/// Every count that is not zero, with what it counts; empty where a run is whole.
#[must_use]
pub fn losses(missing: &Missing) -> String {
    let telemetry = &missing.telemetry;
    let counts = [
        (missing.missing_parts, "parts missing"),
        (missing.unreadable_parts, "parts unreadable"),
        (missing.unfinished_parts, "parts unfinished"),
        (missing.frames_without_decision, "frames without a decision"),
        (missing.dropped_by_threads, "dropped between threads"),
        (telemetry.dropped, "telemetry records dropped"),
        (telemetry.unreadable_files, "event files unreadable"),
        (telemetry.late, "telemetry records late"),
        (telemetry.expired_files, "event files made way"),
        (missing.foreign_files, "foreign files"),
        (missing.clock_steps.len() as u64, "clock steps"),
    ];
    let said = counts.iter().filter(|(number, _)| *number > 0);
    said.map(|(number, what)| format!("{} {what}", count(*number))).collect::<Vec<_>>().join(" · ")
}
