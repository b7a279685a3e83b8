//! What one service's last results were worth.

use std::collections::VecDeque;
use std::time::Duration;

/// Frames that are remembered at most; at 30 frames a second more than four seconds.
const MOST_FRAMES: usize = 128;
/// With fewer frames to compare, nothing is said.
const LEAST_FRAMES: usize = 4;

/// What came of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameResult {
    /// When it was decided, on the clock that [`Recent`] is asked by.
    pub at: Duration,
    /// Whether anything was detected.
    pub detected: bool,
    /// How far the cloud and the vehicle agreed on it, 0 to 1; `None` where one of them had no result.
    pub agreement: Option<f64>,
    /// Expected accuracy of what was delivered, 0 to 1.
    pub utility: f64,
}

/// The frames of the last while. Does not allocate after it was made.
///
/// ```
/// use allocation::context::{FrameResult, Recent};
/// use std::time::Duration;
/// let second = Duration::from_secs(1);
/// let mut recent = Recent::new(5 * second, Duration::ZERO);
/// for at in 0..4 {
///     recent.add(FrameResult { at: at * second, detected: at == 1, agreement: Some(0.5), utility: 0.4 });
/// }
/// assert_eq!(recent.agreement(3 * second), Some(0.5));
/// assert_eq!(recent.since_detection(3 * second), 2 * second);
/// assert_eq!(recent.agreement(60 * second), None, "that is too long ago");
/// ```
#[derive(Clone, Debug)]
pub struct Recent {
    window: Duration,
    last_detection: Duration,
    frames: VecDeque<FrameResult>,
}

impl Recent {
    /// No frame yet; `window` is how long one counts, and detections are counted from `now`.
    #[must_use]
    pub fn new(window: Duration, now: Duration) -> Self {
        Self { window, last_detection: now, frames: VecDeque::with_capacity(MOST_FRAMES) }
    }

    /// Takes one more; numbers outside 0 to 1 count as unknown.
    pub fn add(&mut self, frame: FrameResult) {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if !share(frame.utility) {
            return;
        }
        if frame.detected {
            self.last_detection = self.last_detection.max(frame.at);
        }
        if self.frames.len() == MOST_FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(FrameResult { agreement: frame.agreement.filter(|value| share(*value)), ..frame });
    }

    /// How long ago something was last detected, or counting began.
    #[must_use]
    pub const fn since_detection(&self, now: Duration) -> Duration {
        now.saturating_sub(self.last_detection)
    }

    /// Mean agreement of cloud and vehicle over the window; `None` where too few frames had both.
    #[must_use]
    pub fn agreement(&self, now: Duration) -> Option<f64> {
        self.mean(now, |frame| frame.agreement)
    }

    /// Mean expected accuracy of what was delivered over the window; `None` where there were too few frames.
    #[must_use]
    pub fn utility(&self, now: Duration) -> Option<f64> {
        self.mean(now, |frame| Some(frame.utility))
    }

    fn mean(&self, now: Duration, of: impl Fn(&FrameResult) -> Option<f64>) -> Option<f64> {
        let in_window = self.frames.iter().filter(|frame| now.saturating_sub(frame.at) <= self.window).filter_map(of);
        let (count, sum) = in_window.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
        (count >= LEAST_FRAMES).then(|| (sum / count as f64).clamp(0.0, 1.0))
    }
}
