//! The acknowledgement rate over the last 200 ms.

use std::collections::VecDeque;
use std::time::Duration;

use rt_core::clock::Monotonic;

/// Length of the window.
pub(super) const ACK_WINDOW: Duration = Duration::from_millis(200);
/// Least span of samples from which a rate is taken.
const LEAST_SPAN: Duration = Duration::from_millis(100);
/// Most samples kept; older ones are thinned out by merging into this spacing.
const SPACING: Duration = Duration::from_millis(2);

/// Cumulative acknowledged bytes over time.
#[derive(Debug, Default)]
pub(super) struct AckWindow {
    samples: VecDeque<(Monotonic, u64)>,
}

impl AckWindow {
    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    /// At `now`, `delivered_bytes` in total had been acknowledged.
    pub(super) fn push(&mut self, now: Monotonic, delivered_bytes: u64) {
        match self.samples.back_mut() {
            Some(last) if delivered_bytes < last.1 => self.samples.clear(),
            Some(last) if now.saturating_since(last.0) < SPACING => {
                last.1 = delivered_bytes;
                return;
            }
            _ => {}
        }
        self.samples.push_back((now, delivered_bytes));
        // One sample older than the window stays, as the base of the difference.
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_since(*at) >= ACK_WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Bytes per second over the window, where it is long enough to tell.
    pub(super) fn rate(&self) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let span = last.0.saturating_since(first.0);
        (span >= LEAST_SPAN).then(|| last.1.saturating_sub(first.1) as f64 / span.as_secs_f64())
    }

    /// When the newest acknowledgement came.
    pub(super) fn newest(&self) -> Option<Monotonic> {
        self.samples.back().map(|(at, _)| *at)
    }
}
