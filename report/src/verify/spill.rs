//! The spill rule: a part is closed by the frame that brings it to `max_entries` rows, and no frame is in two parts.

use std::collections::HashSet;

use super::Check;
use crate::logs::{LogKind, Place};
use crate::part::Table;
use crate::run::Log;

/// A part that the disk refuses waits, and the rows after it with it, until there are four parts' worth; then it comes as
/// one with what fills it.
const PARTS_IN_ONE: usize = 5;

/// How many rows closed a part, and how many did not yet.
#[derive(Clone, Copy)]
struct Size {
    number: u64,
    rows: usize,
    open: usize,
}

/// What is known of `max_entries` from the parts: every part but the last reached it with its last frame and not
/// before.
pub(super) struct Spill {
    frame_column: Option<&'static str>,
    last_part: Option<u64>,
    /// Of every part but the last.
    sizes: Vec<Size>,
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
        Self { frame_column, last_part, sizes: Vec::new(), before: HashSet::new(), of_one_car: log.place == Place::Car }
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
            let rows = table.rows();
            self.sizes.push(Size { number, rows, open: rows - last_frame_rows.min(rows) });
        }
    }

    pub(super) fn end(&self, check: &mut Check<'_>) {
        match contradiction(&self.sizes) {
            None => {}
            Some((true, text)) => {
                let text = format!("{text}, unless the disk refused parts for a while");
                check.warning("parts of wrong size", None, text);
            }
            Some((false, text)) => check.error("parts of wrong size", None, text),
        }
    }
}

/// Two parts of which no `max_entries` made both: it is at most the smallest's rows, and more than what was open in the
/// largest. With it, whether that one may have waited for the disk: few are larger than the rest, and not by too much.
fn contradiction(sizes: &[Size]) -> Option<(bool, String)> {
    let smallest = sizes.iter().min_by_key(|size| size.rows)?;
    let largest = sizes.iter().max_by_key(|size| size.open)?;
    if largest.open < smallest.rows {
        return None;
    }
    let larger = sizes.iter().filter(|size| size.open >= smallest.rows).count();
    let waited = 2 * larger < sizes.len() && largest.open <= smallest.rows.saturating_mul(PARTS_IN_ONE);
    let text = format!(
        "part {} was closed at {} rows, part {} held {} before its last frame: no max_entries explains both",
        smallest.number, smallest.rows, largest.number, largest.open
    );
    Some((waited, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(rows: &[usize]) -> Option<bool> {
        let size = |(number, &rows): (u64, &usize)| Size { number, rows, open: rows - 1 };
        let sizes: Vec<Size> = (0..).zip(rows).map(size).collect();
        contradiction(&sizes).map(|(waited, _)| waited)
    }

    #[test]
    fn a_part_that_waited_for_the_disk_is_no_error_and_one_that_is_too_small_is() {
        assert_eq!(waited(&[]), None);
        assert_eq!(waited(&[100, 100, 100]), None);
        assert_eq!(waited(&[100, 100, 300, 100]), Some(true));
        assert_eq!(waited(&[100, 100, 900, 100]), Some(false), "more than may wait");
        assert_eq!(waited(&[100, 40, 100, 100]), Some(false), "closed too early");
    }
}
