//! Polygons into RGB8 pixels, with the edges smoothed: a ten-pixel pedestrian lives from its partial pixels.

use super::light::Light;
use super::sink::{Ink, Sink, span};

/// Sub-rows per pixel row.
const SUB: usize = 4;

/// Draws on a packed RGB8 picture.
pub(super) struct Raster<'a> {
    pub(super) pixels: &'a mut [u8],
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) light: &'a Light,
    /// Distance of what is being drawn, for the haze.
    pub(super) depth: f32,
}

fn blend(pixel: &mut [u8], rgb: [u8; 3], alpha: f32) {
    let weight = (alpha * 256.0) as i32;
    for (old, new) in pixel.iter_mut().zip(rgb) {
        let was = i32::from(*old);
        *old = (was + (((i32::from(new) - was) * weight) >> 8)) as u8;
    }
}

impl Raster<'_> {
    fn row(&mut self, y: usize, from: usize, to: usize) -> Option<&mut [u8]> {
        let start = y * self.width;
        self.pixels.get_mut((start + from) * 3..(start + to) * 3)
    }

    fn partial(&mut self, y: usize, from: usize, to: usize, spans: &[(f32, f32)], rgb: [u8; 3], strength: f32) {
        if from >= to {
            return;
        }
        let Some(row) = self.row(y, from, to) else { return };
        for (k, pixel) in row.chunks_exact_mut(3).enumerate() {
            let x = (from + k) as f32;
            let covered: f32 = spans.iter().map(|&(l, r)| (r.min(x + 1.0) - l.max(x)).max(0.0)).sum();
            blend(pixel, rgb, (covered / SUB as f32).min(1.0) * strength);
        }
    }
}

impl Sink for Raster<'_> {
    fn polygon(&mut self, points: &[[f32; 2]], ink: Ink) {
        let rgb = self.light.shade(ink, self.depth);
        let strength = if ink.solid { 1.0 } else { 0.55 };
        let (low, high) = points.iter().fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p[1]), h.max(p[1])));
        let first = low.floor().max(0.0) as usize;
        let last = high.ceil().clamp(0.0, self.height as f32) as usize;
        let limit = self.width as f32;
        for y in first..last {
            let mut spans = [(0.0_f32, 0.0_f32); SUB];
            let mut hits = 0;
            let (mut min_l, mut max_l, mut min_r, mut max_r) = (f32::MAX, 0.0_f32, f32::MAX, 0.0_f32);
            for (k, slot) in spans.iter_mut().enumerate() {
                let at = y as f32 + (k as f32 + 0.5) / SUB as f32;
                let Some((l, r)) = span(points, at) else { continue };
                let (l, r) = (l.clamp(0.0, limit), r.clamp(0.0, limit));
                *slot = (l, r);
                hits += 1;
                (min_l, max_l) = (min_l.min(l), max_l.max(l));
                (min_r, max_r) = (min_r.min(r), max_r.max(r));
            }
            if hits == 0 {
                continue;
            }
            let (start, end) = (min_l.floor() as usize, max_r.ceil() as usize);
            let (inner, outer) = (max_l.ceil() as usize, min_r.floor() as usize);
            if hits < SUB || inner >= outer || !ink.solid {
                self.partial(y, start, end, &spans, rgb, strength);
                continue;
            }
            self.partial(y, start, inner, &spans, rgb, strength);
            if let Some(row) = self.row(y, inner, outer) {
                row.chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&rgb));
            }
            self.partial(y, outer, end, &spans, rgb, strength);
        }
    }
}
