//! Cameras that make their frames themselves, on a fixed grid of instants: image files, the synthetic street.

use std::collections::VecDeque;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::frame::PixelFormat;

use super::{Camera, CameraError, Captured, Pace, Wait};

/// The most slots such a camera holds: it fills one at a time, the rest are spare.
pub const QUEUE_SLOTS: usize = 8;

/// What a [`FrameSource`] put into a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What was shown; see [`crate::ground_truth::GroundTruth`].
    pub scene: u64,
}

/// Makes the frame of a given number; RGB8, from the first byte of the slot on. Allocates nothing.
pub trait FrameSource: Send {
    /// Width and height of the largest frame.
    fn size(&self) -> (u32, u32);

    /// Bytes of the largest frame.
    fn frame_bytes(&self) -> usize;

    /// Fills `slot`, which holds at least [`FrameSource::frame_bytes`], with frame `n`.
    ///
    /// # Errors
    /// Where there is no such frame, which ends nothing: the next one is asked for when it is due.
    fn fill(&mut self, n: u64, slot: &mut [u8]) -> Result<Shot, CameraError>;
}

/// A [`FrameSource`] on a [`Pace`].
#[derive(Debug)]
pub struct PacedCamera<S, F> {
    source: F,
    pace: Pace,
    slots: VecDeque<S>,
    /// The frame that comes next, by its due instant.
    next: u64,
    seq: u64,
    dropped: u32,
}

impl<S, F: FrameSource> PacedCamera<S, F> {
    /// A camera that shows what `source` makes when `pace` says so.
    #[must_use]
    pub fn new(source: F, pace: Pace) -> Self {
        Self { source, pace, slots: VecDeque::with_capacity(QUEUE_SLOTS), next: 0, seq: 0, dropped: 0 }
    }

    /// When frames are due.
    #[must_use]
    pub const fn pace(&self) -> &Pace {
        &self.pace
    }

    /// What makes the frames.
    #[must_use]
    pub const fn source(&self) -> &F {
        &self.source
    }

    /// Passes over frames that are a whole period late: a newer one is due as well by then.
    fn skip_overdue(&mut self, now: Monotonic) {
        if let Some(newest) = self.pace.latest_due(now).filter(|&newest| newest > self.next) {
            let missed = u32::try_from(newest - self.next).unwrap_or(u32::MAX);
            self.dropped = self.dropped.saturating_add(missed);
            self.next = newest;
        }
    }
}

impl<S: AsMut<[u8]> + Send, F: FrameSource> Camera<S> for PacedCamera<S, F> {
    fn frame_bytes(&self) -> usize {
        self.source.frame_bytes()
    }

    fn size(&self) -> (u32, u32) {
        self.source.size()
    }

    fn period(&self) -> Duration {
        self.pace.period()
    }

    fn queue_capacity(&self) -> usize {
        QUEUE_SLOTS
    }

    fn queue(&mut self, mut slot: S) -> Result<(), (S, CameraError)> {
        let (got_bytes, need_bytes) = (slot.as_mut().len(), self.source.frame_bytes());
        if got_bytes < need_bytes {
            return Err((slot, CameraError::SlotTooSmall { got_bytes, need_bytes }));
        }
        if self.slots.len() >= QUEUE_SLOTS {
            return Err((slot, CameraError::QueueFull { capacity: QUEUE_SLOTS }));
        }
        self.slots.push_back(slot);
        Ok(())
    }

    fn dequeue(&mut self, wait: &Wait<'_>) -> Result<Option<Captured<S>>, CameraError> {
        if self.slots.is_empty() {
            // Only a ring can announce a slot: wait for it, or the caller would spin.
            while !wait.is_over() {
                wait.sleep_until(wait.until);
            }
            return Ok(None);
        }
        self.skip_overdue(Monotonic::now());
        if !wait.reaches(self.pace.due(self.next)) {
            return Ok(None);
        }
        let Some(slot) = self.slots.front_mut() else { return Ok(None) };
        let (frame, begun) = (self.next, Monotonic::now());
        self.next += 1;
        let shot = match self.source.fill(frame, slot.as_mut()) {
            Ok(shot) => shot,
            Err(error) => {
                self.dropped = self.dropped.saturating_add(1);
                return Err(error);
            }
        };
        let capture = Monotonic::now();
        let Some(slot) = self.slots.pop_front() else { return Ok(None) };
        let captured = Captured {
            slot,
            seq: self.seq,
            capture,
            obtain: capture.saturating_since(begun),
            width: shot.width,
            height: shot.height,
            format: PixelFormat::Rgb8,
            scene: shot.scene,
            dropped_before: std::mem::take(&mut self.dropped),
        };
        self.seq += 1;
        Ok(Some(captured))
    }

    fn reclaim(&mut self) -> Option<S> {
        self.slots.pop_front()
    }
}

#[cfg(test)]
mod tests;
