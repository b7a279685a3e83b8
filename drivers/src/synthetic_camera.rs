//! The synthetic street as a camera and as the truth about itself.

use rt_core::frame::PixelFormat;

use crate::camera::{CameraError, FrameSource, Pace, PacedCamera, Shot};
use crate::ground_truth::{GroundTruth, TruthBox};
use crate::synthetic::{CLASSES, StreetScene, TruthBoxes};

/// A camera in the synthetic street; a frame's scene is its number by due time.
pub type SyntheticCamera<S> = PacedCamera<S, StreetFrames>;

/// What a synthetic camera shows. The truth about it needs the same five numbers and nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreetConfig {
    /// Decides everything in the street.
    pub seed: u64,
    /// Which camera, from 0: each sees another street.
    pub camera: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second, by which things move; fractions count up.
    pub fps: f64,
}

impl StreetConfig {
    fn scene(&self) -> StreetScene {
        StreetScene::new(self.seed, self.camera, self.width, self.height).with_fps(self.fps.ceil() as u32)
    }

    /// The camera, its frames due as `pace` says.
    ///
    /// ```
    /// use drivers::camera::{Camera, Pace, Wait};
    /// use drivers::synthetic_camera::{StreetConfig, SyntheticCamera};
    /// use rt_core::{clock::Monotonic, doorbell::Doorbell};
    /// let street = StreetConfig { seed: 7, camera: 0, width: 320, height: 192, fps: 10.0 };
    /// let mut camera: SyntheticCamera<Vec<u8>> = street.camera(Pace::new(Monotonic::now(), street.fps)?);
    /// camera.queue(vec![0; camera.frame_bytes()]).map_err(|(_, error)| error)?;
    /// let bell = Doorbell::futex();
    /// let far = Monotonic::now().plus(std::time::Duration::from_secs(60));
    /// let frame = camera.dequeue(&Wait::new(&bell, far))?.ok_or("a slot is queued")?;
    /// assert_eq!((frame.width, frame.height, frame.seq), (320, 192, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn camera<S>(&self, pace: Pace) -> SyntheticCamera<S> {
        PacedCamera::new(StreetFrames { scene: self.scene() }, pace)
    }

    /// What is to be seen in its frames, recomputed for each.
    #[must_use]
    pub fn truth(&self) -> StreetTruth {
        StreetTruth {
            scene: self.scene(),
            classes: CLASSES.iter().map(ToString::to_string).collect(),
            boxes: TruthBoxes::default(),
        }
    }
}

/// Renders the frames of a synthetic camera.
#[derive(Debug)]
pub struct StreetFrames {
    scene: StreetScene,
}

impl FrameSource for StreetFrames {
    fn size(&self) -> (u32, u32) {
        self.scene.size()
    }

    fn frame_bytes(&self) -> usize {
        let (width, height) = self.scene.size();
        PixelFormat::Rgb8.frame_bytes(width, height)
    }

    fn fill(&mut self, n: u64, slot: &mut [u8]) -> Result<Shot, CameraError> {
        let (width, height) = self.scene.size();
        let (got_bytes, need_bytes) = (slot.len(), self.frame_bytes());
        self.scene.render(n, slot).map_err(|_| CameraError::SlotTooSmall { got_bytes, need_bytes })?;
        Ok(Shot { width, height, scene: n })
    }
}

/// The exact boxes of a synthetic camera's frames.
#[derive(Debug)]
pub struct StreetTruth {
    scene: StreetScene,
    classes: Vec<String>,
    boxes: TruthBoxes,
}

impl GroundTruth for StreetTruth {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn boxes(&mut self, scene: u64, out: &mut Vec<TruthBox>) -> bool {
        out.clear();
        self.scene.truth(scene, &mut self.boxes);
        out.extend(self.boxes.iter().map(|known| TruthBox {
            x_min: known.x0,
            y_min: known.y0,
            x_max: known.x1,
            y_max: known.y1,
            class: u8::try_from(known.class).unwrap_or(u8::MAX),
            ignore: false,
            area: None,
        }));
        true
    }
}

#[cfg(test)]
mod tests;
