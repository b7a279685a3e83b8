//! The packet-train rates of the last second, and their 75th percentile.

use std::collections::VecDeque;
use std::time::Duration;

use rt_core::clock::Monotonic;

/// Length of the window.
const TRAIN_WINDOW: Duration = Duration::from_secs(1);
/// Most samples kept.
const MOST: usize = 64;
/// This many trains in a row below this part of the percentile are a fall.
const FALL_TRAINS: usize = 3;
const FALL: f64 = 0.65;

/// Rates reported by the receiver, weighted by the bytes they were measured over.
#[derive(Debug)]
pub(super) struct TrainWindow {
    samples: VecDeque<(Monotonic, f64, f64)>,
    /// Kept, so that looking for a percentile does not allocate.
    sorted: Vec<(f64, f64)>,
    /// How many of the newest trains in a row were far below the percentile.
    lows: usize,
}

impl TrainWindow {
    pub(super) fn new() -> Self {
        Self { samples: VecDeque::with_capacity(MOST + 1), sorted: Vec::with_capacity(MOST + 1), lows: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.lows = 0;
    }

    pub(super) fn push(&mut self, now: Monotonic, bytes_per_s: f64, bytes: f64) {
        if self.samples.len() >= MOST {
            self.samples.pop_front();
        }
        let low = self.quantile(0.75).is_some_and(|p75| bytes_per_s < FALL * p75);
        self.samples.push_back((now, bytes_per_s, bytes));
        self.lows = if low { self.lows + 1 } else { 0 };
        if self.lows >= FALL_TRAINS {
            // Several trains in a row far below the percentile are not jitter: the link has fallen.
            self.samples.drain(..self.samples.len().saturating_sub(FALL_TRAINS));
            self.lows = 0;
        }
        // The newest stays whatever its age: a rare frame's train is the only witness there is.
        while self.samples.len() > 1 && self.samples.front().is_some_and(|s| now.saturating_since(s.0) > TRAIN_WINDOW) {
            self.samples.pop_front();
        }
    }

    /// How many trains there are.
    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// When the newest train was told.
    pub(super) fn newest(&self) -> Option<Monotonic> {
        self.samples.back().map(|sample| sample.0)
    }

    /// The rate below which `part` (0 to 1) of the bytes were seen.
    pub(super) fn quantile(&mut self, part: f64) -> Option<f64> {
        self.sorted.clear();
        self.sorted.extend(self.samples.iter().map(|sample| (sample.1, sample.2)));
        self.sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = self.sorted.iter().map(|sample| sample.1).sum();
        let mut below = 0.0;
        let reached = self.sorted.iter().find(|(_, bytes)| {
            below += bytes;
            below >= part * total
        });
        reached.or(self.sorted.last()).map(|sample| sample.0)
    }
}
