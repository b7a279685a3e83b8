//! A synthetic street: a camera that needs no hardware and knows the right answer.
//!
//! Each camera shows a street from a car's windscreen: cars, people, cyclists and stop signs, with much beside them
//! that resembles them. A scene lives four seconds and is then replaced. Everything follows from the seed, the camera
//! and the frame number alone, so [`StreetScene::truth`] may be asked by another thread, later, with its own copy.
//!
//! ```
//! use drivers::synthetic::{StreetScene, TruthBoxes};
//! let mut scene = StreetScene::new(7, 0, 320, 192);
//! let mut frame = vec![0; scene.bytes()];
//! scene.render(12, &mut frame)?;
//! let mut truth = TruthBoxes::default();
//! scene.truth(12, &mut truth);
//! assert!(truth.iter().all(|b| b.x1 <= 320.0 && b.y1 <= 192.0));
//! # Ok::<(), drivers::synthetic::SceneError>(())
//! ```

mod actor;
mod furniture;
mod light;
mod measure;
mod optics;
mod raster;
mod rng;
mod scene;
mod script;
mod sink;
mod street;
#[cfg(test)]
mod tests;
mod truth;
mod vehicle;
mod view;
mod walker;

pub use scene::{DEFAULT_FPS, StreetScene};
use script::MAX_ACTORS;

/// Names of the classes, in the order of their ids.
pub const CLASSES: [&str; 4] = ["car", "person", "bicycle", "stop sign"];

/// One object of the ground truth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TruthBox {
    /// Left edge, pixels.
    pub x0: f32,
    /// Top edge, pixels.
    pub y0: f32,
    /// Right edge, pixels.
    pub x1: f32,
    /// Bottom edge, pixels.
    pub y1: f32,
    /// Index into [`CLASSES`].
    pub class: u32,
    /// Fraction of the object's silhouette that is inside the picture and not hidden, `0.3..=1`.
    pub visible: f32,
}

/// The ground truth of one frame: a slice of boxes, the nearest object first, kept without the heap.
#[derive(Clone, Copy, Debug)]
pub struct TruthBoxes {
    boxes: [TruthBox; MAX_ACTORS],
    count: usize,
}

impl Default for TruthBoxes {
    fn default() -> Self {
        Self { boxes: [TruthBox::default(); MAX_ACTORS], count: 0 }
    }
}

impl TruthBoxes {
    /// Forgets the boxes.
    pub const fn clear(&mut self) {
        self.count = 0;
    }

    fn push(&mut self, item: TruthBox) {
        if let Some(slot) = self.boxes.get_mut(self.count) {
            *slot = item;
            self.count += 1;
        }
    }
}

impl std::ops::Deref for TruthBoxes {
    type Target = [TruthBox];

    fn deref(&self) -> &[TruthBox] {
        self.boxes.get(..self.count).unwrap_or(&[])
    }
}

/// Why a frame could not be rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SceneError {
    /// The buffer holds fewer bytes than a frame.
    #[error("the frame buffer holds {got} bytes, a frame needs {need}")]
    Buffer {
        /// Bytes in the buffer.
        got: usize,
        /// Bytes in a frame.
        need: usize,
    },
}
