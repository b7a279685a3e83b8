//! What was really to be seen, for accuracy; never part of the path a decision takes.

use std::sync::Arc;

use crate::files::FrameSet;
use crate::labels::Labels;

/// One object that is really there, in pixels of the camera frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TruthBox {
    /// Left edge, pixels.
    pub x_min: f32,
    /// Top edge, pixels.
    pub y_min: f32,
    /// Right edge, pixels.
    pub x_max: f32,
    /// Bottom edge, pixels.
    pub y_max: f32,
    /// Index into the class names of whoever knows the truth.
    pub class: u8,
    /// Neither a miss if it is not found nor an error if it is: Pascal VOC's `difficult`, COCO's `iscrowd`.
    pub ignore: bool,
    /// COCO's `area`, px²: of the object's outline, smaller than its box; `None` where labels do not say.
    pub area: Option<f32>,
}

/// Knows what was in the scenes of one camera. Works from the scene number alone, so it can be asked later and by
/// another thread than the one that captures.
pub trait GroundTruth: Send {
    /// Class names, in the order of [`TruthBox::class`].
    fn classes(&self) -> &[String];

    /// Replaces `out` by the objects in `scene`; false where nothing is known about it, which is not the same as a
    /// scene without objects.
    fn boxes(&mut self, scene: u64, out: &mut Vec<TruthBox>) -> bool;
}

/// The truth about a [`FrameSet`] from label files.
#[derive(Clone, Debug)]
pub struct FileTruth {
    frames: Arc<FrameSet>,
    labels: Arc<Labels>,
}

impl FileTruth {
    /// Joins photographs and labels by file name.
    #[must_use]
    pub const fn new(frames: Arc<FrameSet>, labels: Arc<Labels>) -> Self {
        Self { frames, labels }
    }

    /// How many of the photographs have labels.
    #[must_use]
    pub fn labelled_frames(&self) -> usize {
        self.frames.names().filter(|name| self.labels.boxes(name).is_some()).count()
    }
}

impl GroundTruth for FileTruth {
    fn classes(&self) -> &[String] {
        self.labels.classes()
    }

    fn boxes(&mut self, scene: u64, out: &mut Vec<TruthBox>) -> bool {
        out.clear();
        let known = self.frames.name(scene).and_then(|name| self.labels.boxes(name));
        out.extend_from_slice(known.unwrap_or_default());
        known.is_some()
    }
}
