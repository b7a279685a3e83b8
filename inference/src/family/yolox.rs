//! YOLOX: one prediction per cell of three grids, no anchors (Ge et al., 2021; the official ONNX export).

use rt_core::detections::{Detection, Detections};

use super::candidates::{Candidate, Candidates};
use super::nms::suppress;
use super::{DecodeError, DetectionHead, Family, NMS_IOU, SCORE_THRESHOLD, output_of};
use crate::engine::Outputs;
use crate::normalise::Normalisation;

/// Pixels of the input per cell, finest grid first: the order in which the export concatenates them.
pub(super) const STRIDES: [usize; 3] = [8, 16, 32];

/// Values before the class scores: centre x, centre y, width, height, objectness.
pub(super) const PREFIX: usize = 5;

/// Predictions of an input of `height` × `width`; `None` where the coarsest grid does not divide it.
pub(super) fn prediction_count(height: usize, width: usize) -> Option<usize> {
    let whole = STRIDES.iter().all(|stride| height.is_multiple_of(*stride) && width.is_multiple_of(*stride));
    whole.then(|| STRIDES.iter().map(|stride| (height / stride) * (width / stride)).sum())
}

/// Decodes YOLOX's output, in which objectness and class scores are already between 0 and 1.
pub struct YoloxHead {
    input_height: usize,
    input_width: usize,
    class_count: usize,
    normalisation: Normalisation,
    candidates: Candidates,
}

impl YoloxHead {
    pub(super) fn new(input_height: usize, input_width: usize, class_count: usize) -> Self {
        let normalisation = Normalisation::bgr_255();
        Self { input_height, input_width, class_count, normalisation, candidates: Candidates::new(SCORE_THRESHOLD) }
    }

    /// Column, row and stride of a prediction.
    fn cell(&self, position: usize) -> Option<(usize, usize, usize)> {
        let mut first = 0;
        for stride in STRIDES {
            let (height, width) = (self.input_height / stride, self.input_width / stride);
            if position < first + height * width {
                let cell = position - first;
                return Some((cell % width, cell / width, stride));
            }
            first += height * width;
        }
        None
    }

    fn decode_box(&self, row: &[f32], candidate: &Candidate) -> Option<Detection> {
        let &[x, y, width, height, ..] = row else { return None };
        let (column, line, stride) = self.cell(candidate.position as usize)?;
        let stride = stride as f32;
        let (centre_x, centre_y) = ((x + column as f32) * stride, (y + line as f32) * stride);
        let (half_width, half_height) = (width.exp() * stride / 2.0, height.exp() * stride / 2.0);
        Some(Detection {
            x_min: centre_x - half_width,
            y_min: centre_y - half_height,
            x_max: centre_x + half_width,
            y_max: centre_y + half_height,
            score: candidate.rank.clamp(0.0, 1.0),
            class: candidate.class,
        })
    }
}

/// The best class of a prediction and its score.
fn best_class(scores: &[f32]) -> Option<(usize, f32)> {
    scores.iter().copied().enumerate().reduce(|best, other| if other.1 > best.1 { other } else { best })
}

impl DetectionHead for YoloxHead {
    fn family(&self) -> Family {
        Family::Yolox
    }

    fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    fn class_count(&self) -> usize {
        self.class_count
    }

    fn decode(&mut self, outputs: &dyn Outputs, detections: &mut Detections) -> Result<(), DecodeError> {
        detections.clear();
        let row_length = PREFIX + self.class_count;
        let predictions = prediction_count(self.input_height, self.input_width).unwrap_or(0);
        let values = output_of(outputs, 0, predictions * row_length)?;
        self.candidates.clear();
        for (position, row) in values.chunks_exact(row_length).enumerate() {
            let Some((&[_, _, _, _, objectness], scores)) = row.split_first_chunk::<PREFIX>() else { continue };
            // A class score is at most 1, so below the threshold the product cannot reach it either.
            if objectness > SCORE_THRESHOLD
                && let Some((class, score)) = best_class(scores)
            {
                let (position, class) = (position as u32, class as u8);
                self.candidates.offer(Candidate { rank: objectness * score, position, class });
            }
        }
        self.candidates.rank();
        let boxes = self.candidates.kept().iter().filter_map(|candidate| {
            let start = candidate.position as usize * row_length;
            self.decode_box(values.get(start..start + row_length)?, candidate)
        });
        suppress(boxes, NMS_IOU, detections);
        Ok(())
    }
}
