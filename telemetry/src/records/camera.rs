//! One captured frame.

use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::frames::Saving;

/// One frame as its camera gave it: log type 2, and the frame's bytes where they are to be kept.
#[derive(Debug)]
pub struct CameraRecord {
    /// The service (and camera).
    pub service: u16,
    /// The frame's number.
    pub seq: u64,
    /// When the capture thread handed it on.
    pub served: Monotonic,
    /// Capture to hand-over.
    pub age: Duration,
    /// Frames that were due since the one before, and that nobody took in time.
    pub dropped_before: u32,
    /// Its bytes, where they are to be kept.
    pub saving: Saving,
}
