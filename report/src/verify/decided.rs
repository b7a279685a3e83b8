//! Every frame has its rows once. They come in the order of decisions, which is nearly the frames': a newer frame may
//! get its result while an older one still waits for the cloud.

use super::Check;

/// A frame whose turn was so many frames ago has no decision any more: more than any deadline has frames.
const PATIENCE: i64 = 256;

/// Frames that were passed over, and where.
struct Gap {
    from: i64,
    to: i64,
    file: String,
    row: usize,
}

/// What one service has decided so far.
pub(super) struct Decided {
    newest: i64,
    last: Option<i64>,
    gaps: Vec<Gap>,
}

impl Default for Decided {
    fn default() -> Self {
        Self { newest: -1, last: None, gaps: Vec::new() }
    }
}

impl Decided {
    /// The frame of a row.
    pub(super) fn row(&mut self, frame: i64, row: usize, check: &mut Check<'_>) {
        if self.last.replace(frame) == Some(frame) {
            return;
        }
        if frame > self.newest {
            if frame > self.newest + 1 {
                let gap = Gap { from: self.newest + 1, to: frame - 1, file: check.file().to_owned(), row };
                self.gaps.push(gap);
            }
            self.newest = frame;
            self.give_up(frame.saturating_sub(PATIENCE), check);
        } else if let Some(place) = self.gaps.iter().position(|gap| (gap.from..=gap.to).contains(&frame)) {
            let Gap { from, to, file, row } = self.gaps.swap_remove(place);
            let parts = [(from, frame - 1), (frame + 1, to)].into_iter().filter(|(from, to)| from <= to);
            self.gaps.extend(parts.map(|(from, to)| Gap { from, to, file: file.clone(), row }));
        } else {
            let text = format!("frame {frame} comes a second time, or more than {PATIENCE} frames after its turn");
            check.error("doubled frames", Some(row), text);
        }
    }

    /// No row follows.
    pub(super) fn end(&mut self, check: &mut Check<'_>) {
        self.give_up(i64::MAX, check);
    }

    /// Frames passed over that are older than `before` are missing.
    fn give_up(&mut self, before: i64, check: &mut Check<'_>) {
        self.gaps.sort_by_key(|gap| gap.from);
        for gap in self.gaps.extract_if(.., |gap| gap.to < before) {
            let text = format!("no row of frames {} to {}; each has a decision", gap.from, gap.to);
            check.error_in(gap.file, "missing frames", Some(gap.row), text);
        }
    }
}
