//! The two sinks that measure instead of painting: how large a thing is, and how much of it can be seen.

use super::sink::{Ink, Sink, span};

/// Extent of the shapes that count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: [f32; 2],
    pub(super) high: [f32; 2],
}

impl Bounds {
    pub(super) const EMPTY: Self = Self { low: [f32::MAX; 2], high: [f32::MIN; 2] };

    pub(super) fn is_empty(&self) -> bool {
        let ([x0, y0], [x1, y1]) = (self.low, self.high);
        x1 <= x0 || y1 <= y0
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let ([ax0, ay0], [ax1, ay1]) = (self.low, self.high);
        let ([bx0, by0], [bx1, by1]) = (other.low, other.high);
        ax0 < bx1 && bx0 < ax1 && ay0 < by1 && by0 < ay1
    }

    fn include(&mut self, &[x, y]: &[f32; 2]) {
        let ([x0, y0], [x1, y1]) = (self.low, self.high);
        self.low = [x0.min(x), y0.min(y)];
        self.high = [x1.max(x), y1.max(y)];
    }
}

/// Measures the extent of what counts, or of everything solid.
pub(super) struct Ruler {
    pub(super) bounds: Bounds,
    pub(super) everything: bool,
}

impl Sink for Ruler {
    fn polygon(&mut self, points: &[[f32; 2]], ink: Ink) {
        if ink.counts || (self.everything && ink.solid) {
            points.iter().for_each(|point| self.bounds.include(point));
        }
    }
}

/// Cells per side of the mask.
const CELLS: usize = 24;

/// A coarse picture of one object's silhouette: first the object is marked, then whatever is in front erases it.
pub(super) struct Mask {
    rows: [u32; CELLS],
    bounds: Bounds,
    erasing: bool,
}

impl Mask {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { rows: [0; CELLS], bounds, erasing: false }
    }

    /// From here on shapes hide the object.
    pub(super) const fn erase(&mut self) {
        self.erasing = true;
    }

    pub(super) fn count(&self) -> u32 {
        self.rows.iter().map(|row| row.count_ones()).sum()
    }

    /// Removes what lies outside a `width` by `height` picture.
    pub(super) fn clip(&mut self, width: f32, height: f32) {
        let ([x0, y0], [x1, y1]) = (self.bounds.low, self.bounds.high);
        let inside = self.columns(-x0 / (x1 - x0), (width - x0) / (x1 - x0));
        for (k, row) in self.rows.iter_mut().enumerate() {
            let y = y0 + (k as f32 + 0.5) / CELLS as f32 * (y1 - y0);
            *row &= if (0.0..height).contains(&y) { inside } else { 0 };
        }
    }

    /// Bits of the cells whose centres lie between two fractions of the width.
    fn columns(&self, from: f32, to: f32) -> u32 {
        let start = (from * CELLS as f32 - 0.5).ceil().clamp(0.0, CELLS as f32) as u32;
        let end = (to * CELLS as f32 - 0.5).ceil().clamp(0.0, CELLS as f32) as u32;
        if end <= start { 0 } else { ((1_u32 << (end - start)) - 1) << start }
    }
}

impl Sink for Mask {
    fn polygon(&mut self, points: &[[f32; 2]], ink: Ink) {
        if !ink.solid || (!self.erasing && !ink.counts) {
            return;
        }
        let ([x0, y0], [x1, y1]) = (self.bounds.low, self.bounds.high);
        for k in 0..CELLS {
            let y = y0 + (k as f32 + 0.5) / CELLS as f32 * (y1 - y0);
            let Some((l, r)) = span(points, y) else { continue };
            let bits = self.columns((l - x0) / (x1 - x0), (r - x0) / (x1 - x0));
            if let Some(row) = self.rows.get_mut(k) {
                if self.erasing {
                    *row &= !bits;
                } else {
                    *row |= bits;
                }
            }
        }
    }
}
