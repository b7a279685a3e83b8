//! Model families: how raw outputs become boxes, and how a file is recognised as one of them.

mod candidates;
pub mod class_names;
mod efficientdet;
mod nms;
mod recognise;
mod yolox;

pub use efficientdet::EfficientDetHead;
pub use recognise::{RecogniseError, Recognised, recognise};
pub use yolox::YoloxHead;

use rt_core::detections::Detections;

use crate::engine::Outputs;
use crate::normalise::Normalisation;

/// Detections that score less are dropped before anything else is done with them; the precision–recall curve of COCO's
/// AP wants low scores too, and what is shown or acted upon has its own, higher threshold.
pub const SCORE_THRESHOLD: f32 = 0.05;

/// Boxes of one class that overlap more than this (intersection over union) are one object.
pub const NMS_IOU: f32 = 0.5;

/// A kind of detector that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// EfficientDet: raw class logits and box regressions on the levels P3 to P7 of a feature pyramid.
    EfficientDet,
    /// YOLOX: one anchor-free prediction per cell of three grids.
    Yolox,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::EfficientDet => "EfficientDet",
            Self::Yolox => "YOLOX",
        })
    }
}

/// What a family does before and after its model runs.
pub trait DetectionHead: Send {
    /// Which family this is.
    fn family(&self) -> Family;

    /// How the model's input is made.
    fn normalisation(&self) -> &Normalisation;

    /// How many classes the model tells apart.
    fn class_count(&self) -> usize;

    /// Decodes the raw `outputs` of one run into `detections` (emptied first): boxes in pixels of the model's input,
    /// not clipped, best score first. Allocates nothing.
    ///
    /// # Errors
    /// Where an output is missing or has another length than at recognition.
    fn decode(&mut self, outputs: &dyn Outputs, detections: &mut Detections) -> Result<(), DecodeError>;
}

/// The outputs of a run are not those the head was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("output {index} should have {expected} values, it has {found:?}")]
pub struct DecodeError {
    /// Index of the output.
    pub index: usize,
    /// How many values it should have.
    pub expected: usize,
    /// How many it has; `None` where there is no such output.
    pub found: Option<usize>,
}

/// The output `index`, which must have `expected` values.
fn output_of(outputs: &dyn Outputs, index: usize, expected: usize) -> Result<&[f32], DecodeError> {
    let found = outputs.output(index);
    found.filter(|values| values.len() == expected).ok_or(DecodeError {
        index,
        expected,
        found: found.map(<[f32]>::len),
    })
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests;
