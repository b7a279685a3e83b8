//! What a camera is to the rest of the car: empty slots go in, filled slots come out.
//!
//! The shape is V4L2's (queue, dequeue) because a DMA camera has to know its buffers before a frame exists, and
//! because an io_uring read needs its fixed buffer for as long as it runs: either writes a frame's bytes once, where
//! they stay. A camera that computes its frames fits into it as well, the other way round it would not.

mod pace;
mod paced;

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::frame::PixelFormat;
use rt_core::wait::Waiter;

pub use pace::{Pace, PaceError};
pub use paced::{FrameSource, PacedCamera, QUEUE_SLOTS, Shot};

/// A source of frames. `S` is the slot a frame is written into, such as a frame pool's write lease; it is moved in by
/// [`Camera::queue`] and out again by [`Camera::dequeue`] or [`Camera::reclaim`], so nothing is ever copied or shared.
///
/// Nothing here allocates or locks after start-up.
pub trait Camera<S: AsMut<[u8]> + Send>: Send {
    /// Bytes of the largest frame: the least a slot must hold.
    fn frame_bytes(&self) -> usize;

    /// Width and height in pixels of the largest frame; a camera of unequal photographs may deliver smaller ones.
    fn size(&self) -> (u32, u32);

    /// Nominal time between two frames.
    fn period(&self) -> Duration;

    /// The most slots it holds at a time.
    fn queue_capacity(&self) -> usize;

    /// Gives it an empty slot to fill. More than one lets hardware fill the next while the last is being handed on.
    ///
    /// # Errors
    /// Gives the slot back with the reason: too small, or too many queued already.
    fn queue(&mut self, slot: S) -> Result<(), (S, CameraError)>;

    /// Waits for the next frame and gives its slot out. `None` where `wait` ended first, or where no slot is queued.
    ///
    /// # Errors
    /// Where the frame could not be had; its slot stays queued, and the next call goes on with the next frame.
    fn dequeue(&mut self, wait: &Wait<'_>) -> Result<Option<Captured<S>>, CameraError>;

    /// Takes back a slot that is still queued; all of them, one a call, before the camera is dropped.
    fn reclaim(&mut self) -> Option<S>;
}

/// How long to wait for a frame: until the bell rings again or until an instant, whichever is first.
///
/// Read the bell's count before looking at whatever the bell announces (a stop, a slot on its way back); what rings in
/// between then ends the wait at once.
///
/// ```
/// use drivers::camera::Wait;
/// use rt_core::{clock::Monotonic, doorbell::Doorbell};
/// let bell = Doorbell::futex();
/// let wait = Wait::new(&bell, Monotonic::now().plus(std::time::Duration::from_secs(3600)));
/// bell.ring();
/// assert!(wait.is_over(), "the ring is not missed");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    /// Rung when the waiting thread has something else to look at.
    pub bell: &'a Doorbell,
    /// The bell's count that has been dealt with.
    pub seen: u32,
    /// The latest the wait ends.
    pub until: Monotonic,
    /// How the thread waits; in the kernel at once where nothing is said.
    pub waiter: Option<&'a Waiter>,
}

impl<'a> Wait<'a> {
    /// A wait that ends at the next ring from now on, or at `until`.
    #[must_use]
    pub fn new(bell: &'a Doorbell, until: Monotonic) -> Self {
        Self { bell, seen: bell.count(), until, waiter: None }
    }

    /// The same wait, as `waiter` waits.
    #[must_use]
    pub const fn by(self, waiter: &'a Waiter) -> Self {
        Self { waiter: Some(waiter), ..self }
    }

    /// Waits until the bell rings or until `instant`, and not beyond the wait's own end; may return early.
    pub fn sleep_until(&self, instant: Monotonic) {
        let until = instant.min(self.until);
        match self.waiter {
            Some(waiter) => waiter.wait(self.bell, self.seen, until),
            None => self.bell.wait_until(self.seen, until),
        }
    }

    /// Whether the bell has rung, or the time is up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.bell.count() != self.seen || Monotonic::now() >= self.until
    }

    /// Sleeps until `instant`; false where the wait was over before.
    #[must_use]
    pub fn reaches(&self, instant: Monotonic) -> bool {
        while Monotonic::now() < instant {
            if self.is_over() {
                return false;
            }
            self.sleep_until(instant);
        }
        true
    }
}

/// A filled slot and what is known of the frame in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<S> {
    /// The slot; the frame is its first `format.frame_bytes(width, height)` bytes.
    pub slot: S,
    /// Number of frames captured before, without gaps.
    pub seq: u64,
    /// When the frame's last byte was in the slot, which is what a kernel's end-of-frame timestamp says; the
    /// deadline's clock starts here.
    pub capture: Monotonic,
    /// How long the bytes took to come into being after the frame was due: rendering, copying or reading out.
    pub obtain: Duration,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Layout of the bytes.
    pub format: PixelFormat,
    /// What was shown: ask the camera's [`crate::ground_truth::GroundTruth`] about it.
    pub scene: u64,
    /// Frames that were due since the one before, and that nobody was there to take in time; they are never made up
    /// for in a bunch.
    pub dropped_before: u32,
}

/// Why a camera did not take a slot or give a frame.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The slot cannot hold a frame.
    #[error(
        "the slot holds {got_bytes} bytes, a frame of this camera needs {need_bytes}; make the frame pool's slots larger"
    )]
    SlotTooSmall {
        /// Bytes in the slot.
        got_bytes: usize,
        /// Bytes of the largest frame.
        need_bytes: usize,
    },
    /// There are as many slots queued as the camera takes.
    #[error("the camera has {capacity} slots already, which is all it takes; dequeue a frame first")]
    QueueFull {
        /// The most it takes.
        capacity: usize,
    },
    /// The source could not produce a frame.
    #[error("frame {frame}: {reason}")]
    Source {
        /// Number of the frame by its due time, from 0.
        frame: u64,
        /// What was wrong.
        reason: &'static str,
    },
    /// The device failed.
    #[error("the camera device failed: {0}")]
    Device(#[from] std::io::Error),
}
