//! Lens and sensor: motion smear, a soft focus, and noise. The buffers are made once.

use super::rng::{Rng, hash};

/// Length of the noise table; more than any row would repeat visibly.
const TABLE: usize = 1 << 14;

/// Scratch space of one camera.
#[derive(Debug)]
pub(super) struct Optics {
    noise: Box<[i8]>,
    row: Box<[u8]>,
    above: Box<[u8]>,
}

impl Optics {
    pub(super) fn new(stride: usize) -> Self {
        let mut rng = Rng::new(0x5eed);
        Self {
            noise: (0..TABLE).map(|_| (rng.normal() * 32.0).clamp(-127.0, 127.0) as i8).collect(),
            row: vec![0; stride].into_boxed_slice(),
            above: vec![0; stride].into_boxed_slice(),
        }
    }

    /// Averages each pixel with its neighbours along the row, `width` (3 or 5) pixels in all.
    pub(super) fn smear(&mut self, pixels: &mut [u8], width: usize) {
        for row in pixels.chunks_exact_mut(self.row.len().max(1)) {
            self.row.copy_from_slice(row);
            let tap = |k: usize| self.row.get(3 * k..).unwrap_or(&[]).iter();
            let near = tap(0).zip(tap(1)).zip(tap(2));
            if width < 5 {
                for (out, ((a, b), c)) in row.iter_mut().skip(3).zip(near) {
                    *out = ((u16::from(*a) + u16::from(*b) + u16::from(*c)) / 3) as u8;
                }
            } else {
                for (out, (((a, b), c), (d, e))) in row.iter_mut().skip(6).zip(near.zip(tap(3).zip(tap(4)))) {
                    let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d) + u16::from(*e);
                    *out = (sum / 5) as u8;
                }
            }
        }
    }

    /// A gentle vertical 1-2-1 blur: the lens is not quite in focus.
    pub(super) fn soften(&mut self, pixels: &mut [u8]) {
        let stride = self.row.len();
        let Some(first) = pixels.get(..stride) else { return };
        self.above.copy_from_slice(first);
        for start in (stride..pixels.len().saturating_sub(stride)).step_by(stride.max(1)) {
            let Some(pair) = pixels.get_mut(start..start + 2 * stride) else { return };
            let (row, below) = pair.split_at_mut(stride);
            self.row.copy_from_slice(row);
            for ((out, up), down) in row.iter_mut().zip(self.above.iter()).zip(below.iter()) {
                *out = ((u16::from(*up) + 2 * u16::from(*out) + u16::from(*down)) / 4) as u8;
            }
            std::mem::swap(&mut self.row, &mut self.above);
        }
    }

    /// Adds sensor noise of `deviation` grey levels, different in every frame.
    pub(super) fn expose(&self, pixels: &mut [u8], deviation: f32, seed: u64) {
        let gain = (deviation * 8.0) as i16;
        for (v, row) in pixels.chunks_exact_mut(self.row.len().max(1)).enumerate() {
            let mut start = (hash(seed, v as u64, 7) as usize) % (TABLE / 2);
            for part in row.chunks_mut(TABLE / 2) {
                let table = self.noise.get(start..start + part.len()).unwrap_or(&[]);
                for (value, &noise) in part.iter_mut().zip(table) {
                    let level = i16::from(*value) + ((i16::from(noise) * gain) >> 8);
                    *value = level.clamp(0, 255) as u8;
                }
                start /= 2;
            }
        }
    }
}
