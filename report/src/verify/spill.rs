//! The spill rule: a part is closed by the frame that brings it to `max_entries` rows, and no frame is in two parts.

use std::collections::HashSet;

use super::Check;
use crate::logs::{LogKind, Place};
use crate::part::Table;
use crate::run::Log;

/// A part that the disk refuses waits, and the rows after it with it, until there are four parts' worth; then it comes as
/// one with what fills it.
const PARTS_IN_ONE: usize = 5;

/// What is known of `max_entries` from the parts: every part but the last reached it with its last frame and not
/// before.
pub(super) struct Spill {
    frame_column: Option<&'static str>,
    last_part: Option<u64>,
    /// The smallest part, and its number: `max_entries` is at most that.
    smallest: Option<(usize, u64)>,
    /// The most rows that did not yet close a part, and its number: `max_entries` is more.
    open: Option<(usize, u64)>,
    before: HashSet<i64>,
    /// As of [`super::images::Images`]: with several cars a frame's number comes again, also in the next part.
    of_one_car: bool,
}

impl Spill {
    pub(super) fn new(log: &Log) -> Self {
        let frame_column = match log.id.kind {
            LogKind::ClientQueries => Some("context_id"),
            LogKind::ImageContext => Some("image_context"),
            _ => None,
        };
        let last_part = log.parts.last().map(|part| part.number);
        Self {
            frame_column,
            last_part,
            smallest: None,
            open: None,
            before: HashSet::new(),
            of_one_car: log.place == Place::Car,
        }
    }

    pub(super) fn part(&mut self, number: u64, table: &Table, check: &mut Check<'_>) {
        if table.rows() == 0 {
            check.error("empty parts", None, "has no rows; without rows there is no file".to_owned());
            return;
        }
        let frames = self.frame_column.and_then(|column| table.integers(column));
        let mut last_frame_rows = 1;
        if let Some(frames) = frames {
            let last = frames.last().copied().flatten();
            last_frame_rows = frames.iter().rev().take_while(|frame| **frame == last).count();
            let own: HashSet<i64> = frames.iter().copied().flatten().collect();
            let again = frames.iter().position(|frame| frame.is_some_and(|frame| self.before.contains(&frame)));
            if let Some(row) = again.filter(|_| self.of_one_car) {
                let frame = frames.get(row).copied().flatten().unwrap_or_default();
                check.error("frames in two parts", Some(row), format!("frame {frame} has rows in the part before too"));
            }
            self.before = own;
        }
        if Some(number) != self.last_part {
            let (rows, open) = (table.rows(), table.rows() - last_frame_rows.min(table.rows()));
            if self.smallest.is_none_or(|(smallest, _)| rows < smallest) {
                self.smallest = Some((rows, number));
            }
            if self.open.is_none_or(|(most, _)| open > most) {
                self.open = Some((open, number));
            }
        }
    }

    pub(super) fn end(&self, check: &mut Check<'_>) {
        if let (Some((rows, small)), Some((open, large))) = (self.smallest, self.open)
            && open >= rows
        {
            let text = format!(
                "part {small} was closed at {rows} rows, part {large} held {open} before its last frame: no max_entries \
                 explains both"
            );
            if open <= rows.saturating_mul(PARTS_IN_ONE) {
                let text = format!("{text}, unless the disk refused parts for a while");
                check.warning("parts of wrong size", None, text);
            } else {
                check.error("parts of wrong size", None, text);
            }
        }
    }
}
