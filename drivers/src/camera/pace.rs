//! When frames are due: a fixed grid of instants, so that lateness never accumulates.

use std::time::Duration;

use rt_core::clock::Monotonic;

const NS_PER_S: f64 = 1e9;

/// The most frames per second that make sense for a camera here.
const MAX_FPS: f64 = 1000.0;

/// The least: a frame every hundred seconds.
const MIN_FPS: f64 = 0.01;

/// A grid of due instants: frame `n` is due `n / fps` after the first.
///
/// ```
/// use drivers::camera::Pace;
/// use rt_core::clock::Monotonic;
/// // The second of two cameras at 10 frames a second starts half a period after the first.
/// let pace = Pace::staggered(Monotonic::ZERO, 10.0, 1, 2)?;
/// assert_eq!(pace.due(0).as_ns(), 50_000_000);
/// assert_eq!(pace.due(3).as_ns(), 350_000_000);
/// assert_eq!(pace.latest_due(pace.due(3)), Some(3));
/// # Ok::<(), drivers::camera::PaceError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    first: Monotonic,
    fps: f64,
}

/// A frame rate that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{fps} frames per second cannot be; {MIN_FPS} to {MAX_FPS} is wanted")]
pub struct PaceError {
    fps: f64,
}

impl Pace {
    /// Frames at `fps` per second, the first due at `first`.
    ///
    /// # Errors
    /// Where `fps` is not between 0.01 and 1000.
    pub fn new(first: Monotonic, fps: f64) -> Result<Self, PaceError> {
        if (MIN_FPS..=MAX_FPS).contains(&fps) { Ok(Self { first, fps }) } else { Err(PaceError { fps }) }
    }

    /// Camera `camera` (from 0) of `cameras` that share a start: each begins `1 / (cameras × fps)` after the one
    /// before, so that their frames do not compete for a core or for the uplink at the same instant.
    ///
    /// # Errors
    /// As [`Pace::new`].
    pub fn staggered(start: Monotonic, fps: f64, camera: u32, cameras: u32) -> Result<Self, PaceError> {
        let unstaggered = Self::new(start, fps)?;
        let share = f64::from(camera % cameras.max(1)) / f64::from(cameras.max(1));
        Ok(Self { first: start.plus(Duration::from_nanos((share * NS_PER_S / fps) as u64)), ..unstaggered })
    }

    /// Frames per second.
    #[must_use]
    pub const fn fps(&self) -> f64 {
        self.fps
    }

    /// Time between two frames.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.fps)
    }

    /// When frame `n` is due.
    #[must_use]
    pub fn due(&self, n: u64) -> Monotonic {
        Monotonic::from_ns(self.first.as_ns().saturating_add((n as f64 * NS_PER_S / self.fps).round() as u64))
    }

    /// The newest frame that is due at `now`; `None` before the first.
    #[must_use]
    pub fn latest_due(&self, now: Monotonic) -> Option<u64> {
        if now < self.first {
            return None;
        }
        let elapsed_ns = now.saturating_since(self.first).as_nanos() as f64;
        let guess = (elapsed_ns * self.fps / NS_PER_S) as u64;
        // The guess is rounded by up to a frame either way; the grid itself decides.
        (guess.saturating_sub(1)..=guess.saturating_add(1)).rev().find(|&n| self.due(n) <= now)
    }
}
