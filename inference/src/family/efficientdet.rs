//! EfficientDet: anchors on five levels of a feature pyramid, raw logits and regressions (Tan, Pang, Le, CVPR 2020).

use rt_core::detections::{Detection, Detections};

use super::candidates::{Candidate, Candidates};
use super::nms::suppress;
use super::{DecodeError, DetectionHead, Family, NMS_IOU, SCORE_THRESHOLD, output_of, sigmoid};
use crate::engine::Outputs;
use crate::normalise::Normalisation;

/// Anchors at each place: three octave scales 2^(0, 1/3, 2/3) times three aspects, scale-major.
pub(super) const ANCHORS: usize = 9;

/// Levels of the pyramid, P3 to P7.
pub(super) const LEVELS: usize = 5;

/// Width and height factors of the aspects, as the reference implementation rounds them.
const ASPECTS: [(f32, f32); 3] = [(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)];

/// The side of the smallest anchor, in strides of its level, unless the export says otherwise.
pub(super) const DEFAULT_ANCHOR_SCALE: f32 = 4.0;

/// Values scanned at once before any of them is looked at singly.
const BLOCK: usize = 32;

/// Height and width of each level, P3 to P7, for an input of `height` × `width`: halved seven times, rounding up.
pub(super) fn level_sizes(height: usize, width: usize) -> [(usize, usize); LEVELS] {
    std::array::from_fn(|level| {
        let halve = |length: usize| (0..level + 3).fold(length, |length, _| length.div_ceil(2));
        (halve(height), halve(width))
    })
}

/// Which outputs hold what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Per level a class map (1, 9·C, h, w) and a box map (1, 36, h, w): their output indices.
    Levels([(usize, usize); LEVELS]),
    /// One class tensor (1, N, C) and one box tensor (1, N, 4), N over levels, rows, columns, anchors.
    Concatenated { classes: usize, boxes: usize },
}

/// How far apart the places of a level are where its side is not a multiple of the level's 2^l pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stride {
    /// The input's side divided by the level's: the reference implementations (automl, `effdet`).
    InputOverLevel,
    /// 2^l pixels: where the convolutions really look.
    PowerOfTwo,
}

/// Everything that makes one EfficientDet differ from another.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    pub layout: Layout,
    pub input_height: usize,
    pub input_width: usize,
    pub class_count: usize,
    pub anchor_scale: f32,
    pub stride: Stride,
    pub normalisation: Normalisation,
}

struct Level {
    height: usize,
    width: usize,
    stride_y: f32,
    stride_x: f32,
    /// Anchors on the levels before this one.
    first: usize,
}

/// Decodes EfficientDet's raw outputs: sigmoid, anchors, non-maximum suppression per class.
pub struct EfficientDetHead {
    parameters: Parameters,
    levels: [Level; LEVELS],
    /// Width and height in strides of the level.
    anchors: [(f32, f32); ANCHORS],
    candidates: Candidates,
}

impl EfficientDetHead {
    pub(super) fn new(parameters: Parameters) -> Self {
        let (input_height, input_width) = (parameters.input_height, parameters.input_width);
        let mut first = 0;
        let mut power = 4.0;
        let levels = level_sizes(input_height, input_width).map(|(height, width)| {
            power *= 2.0;
            let (stride_y, stride_x) = match parameters.stride {
                Stride::InputOverLevel => (input_height as f32 / height as f32, input_width as f32 / width as f32),
                Stride::PowerOfTwo => (power, power),
            };
            let level = Level { height, width, stride_y, stride_x, first };
            first += height * width * ANCHORS;
            level
        });
        let anchors = std::array::from_fn(|index| {
            let side = parameters.anchor_scale * 2_f32.powf((index / ASPECTS.len()) as f32 / 3.0);
            let (width, height) = ASPECTS.get(index % ASPECTS.len()).copied().unwrap_or((1.0, 1.0));
            (side * width, side * height)
        });
        let candidates = Candidates::new((SCORE_THRESHOLD / (1.0 - SCORE_THRESHOLD)).ln());
        Self { parameters, levels, anchors, candidates }
    }

    /// Anchors on all levels.
    fn anchor_count(&self) -> usize {
        self.levels.iter().map(|level| level.height * level.width * ANCHORS).sum()
    }

    fn collect(&mut self, outputs: &dyn Outputs) -> Result<(), DecodeError> {
        let classes = self.parameters.class_count;
        self.candidates.clear();
        match self.parameters.layout {
            Layout::Levels(indices) => {
                for (level, (class_output, _)) in self.levels.iter().zip(indices) {
                    let cells = level.height * level.width;
                    let map = output_of(outputs, class_output, cells * ANCHORS * classes)?;
                    scan(map, &mut self.candidates, |index| {
                        let (channel, cell) = (index / cells, index % cells);
                        (level.first + channel / classes * cells + cell, channel % classes)
                    });
                }
            }
            Layout::Concatenated { classes: class_output, .. } => {
                let rows = output_of(outputs, class_output, self.anchor_count() * classes)?;
                scan(rows, &mut self.candidates, |index| (index / classes, index % classes));
            }
        }
        Ok(())
    }
}

/// Offers every logit of interest; `locate` turns its index into (position, class).
fn scan(logits: &[f32], candidates: &mut Candidates, locate: impl Fn(usize) -> (usize, usize)) {
    for (block_index, block) in logits.chunks(BLOCK).enumerate() {
        let lowest = candidates.lowest();
        // Without branches, so that the compiler compares eight at a time; nearly every block ends here.
        if !block.iter().fold(false, |any, &logit| any | (logit > lowest)) {
            continue;
        }
        for (index, &rank) in block.iter().enumerate().filter(|&(_, &logit)| logit > lowest) {
            let (position, class) = locate(block_index * BLOCK + index);
            candidates.offer(Candidate { rank, position: position as u32, class: class as u8 });
        }
    }
}

/// The level a position lies on, and its place there.
fn level_of(levels: &[Level; LEVELS], position: usize) -> Option<(usize, &Level, usize)> {
    let found = levels.iter().enumerate().rev().find(|(_, level)| position >= level.first);
    found.map(|(index, level)| (index, level, position - level.first))
}

/// The four regressions (ty, tx, th, tw), the anchor and the row and column of a position.
struct Regression {
    t: [f32; 4],
    anchor: usize,
    row: usize,
    column: usize,
}

fn regression(
    layout: Layout,
    outputs: &dyn Outputs,
    level_index: usize,
    level: &Level,
    place: usize,
) -> Option<Regression> {
    let cells = level.height * level.width;
    match layout {
        Layout::Levels(indices) => {
            let map = outputs.output(indices.get(level_index)?.1)?;
            let (anchor, cell) = (place / cells, place % cells);
            let mut t = [0.0; 4];
            for (k, value) in t.iter_mut().enumerate() {
                *value = *map.get((anchor * 4 + k) * cells + cell)?;
            }
            Some(Regression { t, anchor, row: cell / level.width, column: cell % level.width })
        }
        Layout::Concatenated { boxes, .. } => {
            let (rows, _) = outputs.output(boxes)?.as_chunks::<4>();
            let t = *rows.get(level.first + place)?;
            let (cell, anchor) = (place / ANCHORS, place % ANCHORS);
            Some(Regression { t, anchor, row: cell / level.width, column: cell % level.width })
        }
    }
}

impl DetectionHead for EfficientDetHead {
    fn family(&self) -> Family {
        Family::EfficientDet
    }

    fn normalisation(&self) -> &Normalisation {
        &self.parameters.normalisation
    }

    fn class_count(&self) -> usize {
        self.parameters.class_count
    }

    fn decode(&mut self, outputs: &dyn Outputs, detections: &mut Detections) -> Result<(), DecodeError> {
        detections.clear();
        let layout = self.parameters.layout;
        match layout {
            Layout::Levels(indices) => {
                for (level, (_, box_output)) in self.levels.iter().zip(indices) {
                    output_of(outputs, box_output, level.height * level.width * ANCHORS * 4)?;
                }
            }
            Layout::Concatenated { boxes, .. } => {
                output_of(outputs, boxes, self.anchor_count() * 4)?;
            }
        }
        self.collect(outputs)?;
        self.candidates.rank();
        let (levels, anchors) = (&self.levels, &self.anchors);
        let boxes = self.candidates.kept().iter().filter_map(|candidate| {
            let (level_index, level, place) = level_of(levels, candidate.position as usize)?;
            let Regression { t: [ty, tx, th, tw], anchor, row, column } =
                regression(layout, outputs, level_index, level, place)?;
            let &(anchor_width, anchor_height) = anchors.get(anchor)?;
            let (anchor_width, anchor_height) = (anchor_width * level.stride_x, anchor_height * level.stride_y);
            let centre_x = tx * anchor_width + (column as f32 + 0.5) * level.stride_x;
            let centre_y = ty * anchor_height + (row as f32 + 0.5) * level.stride_y;
            let (half_width, half_height) = (tw.exp() * anchor_width / 2.0, th.exp() * anchor_height / 2.0);
            Some(Detection {
                x_min: centre_x - half_width,
                y_min: centre_y - half_height,
                x_max: centre_x + half_width,
                y_max: centre_y + half_height,
                score: sigmoid(candidate.rank),
                class: candidate.class,
            })
        });
        suppress(boxes, NMS_IOU, detections);
        Ok(())
    }
}
