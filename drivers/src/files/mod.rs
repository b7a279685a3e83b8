//! Photographs as cameras: the JPEG and PNG files of a directory, decoded once at the start and shown in turn.

mod decode;
mod error;
mod frame_set;

use std::sync::Arc;

use crate::camera::{CameraError, FrameSource, Pace, PacedCamera, Shot};

pub use decode::{Image, MAX_DIMENSION, decode};
pub use error::{FilesError, ImageError};
pub use frame_set::{DEFAULT_BUDGET_BYTES, FrameSet, photographs};

/// A camera that shows photographs; a frame's scene is the photograph's index in its [`FrameSet`].
pub type FileCamera<S> = PacedCamera<S, FileFrames>;

impl<S> FileCamera<S> {
    /// Shows the photographs of `frames` in name order, over and over, from the one at `first` on. Cameras share the
    /// decoded photographs.
    #[must_use]
    pub fn of(frames: Arc<FrameSet>, first: u64, pace: Pace) -> Self {
        PacedCamera::new(FileFrames { frames, first }, pace)
    }
}

/// Copies photographs into slots.
#[derive(Debug)]
pub struct FileFrames {
    frames: Arc<FrameSet>,
    first: u64,
}

impl FrameSource for FileFrames {
    fn size(&self) -> (u32, u32) {
        self.frames.largest()
    }

    fn frame_bytes(&self) -> usize {
        self.frames.frame_bytes()
    }

    fn fill(&mut self, n: u64, slot: &mut [u8]) -> Result<Shot, CameraError> {
        let none = CameraError::Source { frame: n, reason: "there is no photograph" };
        let scene = self.first.wrapping_add(n).checked_rem(self.frames.len() as u64);
        let Some((scene, image)) = scene.and_then(|scene| Some((scene, self.frames.image(scene)?))) else {
            return Err(none);
        };
        let (got_bytes, need_bytes) = (slot.len(), image.rgb.len());
        let target = slot.get_mut(..need_bytes).ok_or(CameraError::SlotTooSmall { got_bytes, need_bytes })?;
        target.copy_from_slice(&image.rgb);
        Ok(Shot { width: image.width, height: image.height, scene })
    }
}

#[cfg(test)]
mod tests;
