//! Lost data is said once when it begins and whenever it has doubled, not once a pass.

use crate::events::EventHealth;
use crate::frames::FrameHealth;
use crate::part_writer::LogHealth;

/// What has been said of each kind of loss.
#[derive(Default)]
pub(super) struct Losses {
    rows: Doubling,
    unprotected: Doubling,
    waiting: Doubling,
    frames: Doubling,
    events: Doubling,
    records: Doubling,
}

/// A count as it was when it was last said.
#[derive(Default)]
struct Doubling(u64);

impl Doubling {
    /// Whether `count` is to be said now.
    fn reaches(&mut self, count: u64) -> bool {
        let is_due = count > self.0.saturating_mul(2);
        if is_due {
            self.0 = count;
        }
        is_due
    }
}

impl Losses {
    /// What there is to say of these counts, each kind in a line.
    pub(super) fn lines(
        &mut self,
        logs: &LogHealth,
        frames: &FrameHealth,
        events: &EventHealth,
        records_dropped: u64,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        let logs_said = logs.last_error.as_deref().unwrap_or_default();
        if self.rows.reaches(logs.rows_lost) {
            lines.push(format!("logs: {} rows lost so far: {logs_said}", logs.rows_lost));
        }
        if self.unprotected.reaches(logs.rows_unprotected) {
            let rows = logs.rows_unprotected;
            lines.push(format!("logs: {rows} rows so far that a crash before their part would have lost: {logs_said}"));
        }
        if self.waiting.reaches(logs.rows_waiting) {
            let rows = logs.rows_waiting;
            lines.push(format!("logs: {rows} rows wait for the disk to take their parts: {logs_said}"));
        }
        if self.frames.reaches(frames.lost()) {
            let FrameHealth { no_room, failed, last_error, .. } = frames;
            let refused = last_error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
            lines.push(format!(
                "raw frames: {no_room} not kept so far as the disk is too slow, {failed} refused{refused}"
            ));
        }
        if self.events.reaches(events.lost) {
            let reason = events.last_error.as_deref().unwrap_or_default();
            lines.push(format!("event log: {} events lost so far: {reason}", events.lost));
        }
        if self.records.reaches(records_dropped) {
            lines.push(format!("telemetry: {records_dropped} records lost so far: a ring was full"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_said_when_it_begins_and_when_it_has_doubled() {
        let mut losses = Losses::default();
        let mut said = |dropped| {
            losses.lines(&LogHealth::default(), &FrameHealth::default(), &EventHealth::default(), dropped).len()
        };
        assert_eq!([0, 1, 1, 2, 3, 5, 6, 7, 100].map(&mut said), [0, 1, 0, 0, 1, 0, 0, 1, 1]);
    }
}
