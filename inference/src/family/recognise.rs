//! Which family a model is of, told from the shapes of its outputs; anything else is refused with what was found.

use super::class_names::class_names;
use super::efficientdet::{
    ANCHORS, DEFAULT_ANCHOR_SCALE, EfficientDetHead, LEVELS, Layout, Parameters, Stride, level_sizes,
};
use super::yolox::{PREFIX, YoloxHead, prediction_count};
use super::{DetectionHead, Family};
use crate::engine::OutputInfo;
use crate::normalise::Normalisation;

/// The most classes a detection's 8 bits can tell apart.
const MAX_CLASSES: usize = 256;

/// Mean and standard deviation of ImageNet, which EfficientDet's backbones are trained with.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// What a model's anchors must be where its metadata says it.
const FIXED: [(&str, &[f32]); 3] =
    [("turbo.levels", &[3.0, 7.0]), ("turbo.octaves", &[3.0]), ("turbo.aspects", &[1.0, 1.0, 1.4, 0.7, 0.7, 1.4])];

/// A recognised model.
pub struct Recognised {
    /// Decodes its outputs.
    pub head: Box<dyn DetectionHead>,
    /// Names of its classes.
    pub classes: Vec<String>,
    /// What the model's metadata does not say and was therefore taken from the family's usual exports, in words.
    pub assumed: Vec<String>,
}

/// Why a model is not understood.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecogniseError {
    /// The outputs are of no known form.
    #[error(
        "input 1x3x{height}x{width}, outputs {found}: not a detector this program understands, which are: EfficientDet with ten raw maps, per level P3..P7 classes 1x(9*C)xHxW and boxes 1x36xHxW; EfficientDet with two raw tensors, classes 1xNxC and boxes 1xNx4 with N={anchors}; YOLOX with one output 1x{cells}x(5+C). Outputs after sigmoid, box decoding or NMS are not among them: export without post-processing"
    )]
    Unknown {
        /// Height of the input, pixels.
        height: usize,
        /// Width of the input, pixels.
        width: usize,
        /// Names and shapes of the outputs.
        found: String,
        /// Anchors that an EfficientDet of this input has.
        anchors: usize,
        /// Predictions that a YOLOX of this input has, in words where it cannot have any.
        cells: String,
    },
    /// More classes than a detection can carry.
    #[error("{family} with {classes} classes: at most {MAX_CLASSES} are possible")]
    TooManyClasses {
        /// The family.
        family: Family,
        /// How many classes.
        classes: usize,
    },
    /// The metadata names another number of classes than the outputs have.
    #[error("metadata turbo.classes has {named} names, but the outputs have {classes} classes")]
    ClassNames {
        /// How many names.
        named: usize,
        /// How many classes.
        classes: usize,
    },
    /// A metadata value that cannot be read.
    #[error("metadata {key} is {value:?}, which is not {expected}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
}

/// Recognises the model with an input of 1 × 3 × `height` × `width` and these `outputs`.
///
/// `metadata` looks up these keys, each of which may be absent: `turbo.classes` (names), `turbo.mean` and `turbo.std`
/// (red, green, blue; pixels from 0 to 1), `turbo.anchor_scale`, and `turbo.levels`, `turbo.octaves`, `turbo.aspects`,
/// which must then be 3-7, 3 and 1x1,1.4x0.7,0.7x1.4. Where `turbo.levels` is given, anchors of level l are 2^l pixels
/// apart; without it, as far as the input's side divided by the level's, which differs only for sides that are no
/// multiple of 128.
///
/// # Errors
/// Where the outputs are of no known form, or the metadata contradicts them.
pub fn recognise<'a>(
    height: usize,
    width: usize,
    outputs: &[OutputInfo],
    metadata: impl Fn(&str) -> Option<&'a str>,
) -> Result<Recognised, RecogniseError> {
    let found = efficientdet_layout(height, width, outputs).map(|(layout, classes)| (Some(layout), classes));
    let found = found.or_else(|| yolox_classes(height, width, outputs).map(|classes| (None, classes)));
    let (layout, class_count) = found.ok_or_else(|| unknown(height, width, outputs))?;
    let family = if layout.is_some() { Family::EfficientDet } else { Family::Yolox };
    if class_count > MAX_CLASSES {
        return Err(RecogniseError::TooManyClasses { family, classes: class_count });
    }
    let classes = class_names(metadata("turbo.classes"), class_count)
        .map_err(|named| RecogniseError::ClassNames { named, classes: class_count })?;
    let mut assumed = Vec::new();
    if metadata("turbo.classes").is_none() {
        assumed.push(match class_count {
            80 | 90 => format!("class names of COCO ({class_count} ids)"),
            _ => "class names by number".to_owned(),
        });
    }
    let Some(layout) = layout else {
        return Ok(Recognised { head: Box::new(YoloxHead::new(height, width, class_count)), classes, assumed });
    };
    let mut setting = |key, default: &[f32], what: &str| match metadata(key) {
        Some(value) => parse_numbers(key, value, default.len()),
        None => {
            assumed.push(format!("{what} (metadata {key} is absent)"));
            Ok(default.to_vec())
        }
    };
    let mean = triple(&setting("turbo.mean", &IMAGENET_MEAN, "the mean of ImageNet")?);
    let std = triple(&setting("turbo.std", &IMAGENET_STD, "the standard deviation of ImageNet")?);
    let stride = match metadata("turbo.levels") {
        Some(_) => Stride::PowerOfTwo,
        None => Stride::InputOverLevel,
    };
    for (key, numbers) in FIXED {
        if let Some(value) = metadata(key)
            && parse_numbers(key, value, numbers.len())? != numbers
        {
            return Err(malformed(key, value));
        }
    }
    let scale = setting("turbo.anchor_scale", &[DEFAULT_ANCHOR_SCALE], "anchor scale 4")?;
    let head = EfficientDetHead::new(Parameters {
        layout,
        input_height: height,
        input_width: width,
        class_count,
        anchor_scale: scale.first().copied().unwrap_or(DEFAULT_ANCHOR_SCALE),
        stride,
        normalisation: Normalisation::mean_std(mean, std),
    });
    Ok(Recognised { head: Box::new(head), classes, assumed })
}

fn triple(values: &[f32]) -> [f32; 3] {
    values.try_into().unwrap_or([0.5; 3])
}

/// `count` numbers separated by commas, spaces, or what else lists and ranges are written with.
fn parse_numbers(key: &'static str, value: &str, count: usize) -> Result<Vec<f32>, RecogniseError> {
    let separators = if key == "turbo.mean" { ", []()" } else { ", []()x-" };
    let parts = value.split(|c| separators.contains(c)).filter(|part| !part.is_empty());
    let numbers: Option<Vec<f32>> = parts.map(|part| part.parse().ok().filter(|n: &f32| n.is_finite())).collect();
    // A mean may be zero; dividing by zero or scaling to nothing is never meant.
    let positive = |numbers: &[f32]| key == "turbo.mean" || numbers.iter().all(|&n| n > 0.0);
    numbers.filter(|n| n.len() == count && positive(n)).ok_or_else(|| malformed(key, value))
}

fn malformed(key: &'static str, value: &str) -> RecogniseError {
    let expected = match key {
        "turbo.anchor_scale" => "one positive number",
        "turbo.std" => "three positive numbers (red, green, blue)",
        "turbo.levels" => "3-7, the levels that are understood",
        "turbo.octaves" => "3, the octave scales that are understood",
        "turbo.aspects" => "1x1,1.4x0.7,0.7x1.4, the aspects that are understood",
        _ => "three numbers (red, green, blue)",
    };
    RecogniseError::Metadata { key, value: value.to_owned(), expected }
}

fn unknown(height: usize, width: usize, outputs: &[OutputInfo]) -> RecogniseError {
    let shape = |info: &OutputInfo| {
        let sizes: Vec<String> = info.shape.iter().map(usize::to_string).collect();
        format!("{:?} {}", info.name, sizes.join("x"))
    };
    RecogniseError::Unknown {
        height,
        width,
        found: outputs.iter().map(shape).collect::<Vec<_>>().join(", "),
        anchors: level_sizes(height, width).iter().map(|(h, w)| h * w * ANCHORS).sum(),
        cells: prediction_count(height, width)
            .map_or_else(|| "(none: sides are not multiples of 32)".to_owned(), |count| count.to_string()),
    }
}

fn yolox_classes(height: usize, width: usize, outputs: &[OutputInfo]) -> Option<usize> {
    let [only] = outputs else { return None };
    match *only.shape.as_slice() {
        [1, cells, row] if row > PREFIX && Some(cells) == prediction_count(height, width) => Some(row - PREFIX),
        _ => None,
    }
}

fn efficientdet_layout(height: usize, width: usize, outputs: &[OutputInfo]) -> Option<(Layout, usize)> {
    match outputs.len() {
        2 => concatenated(height, width, outputs),
        10 => levels(height, width, outputs),
        _ => None,
    }
}

/// What an output's name says it holds: classes (true) or boxes (false).
fn named_classes(name: &str) -> Option<bool> {
    let name = name.to_ascii_lowercase();
    let classes = ["cls", "class", "logit", "score"].iter().any(|part| name.contains(part));
    let boxes = ["box", "reg", "loc"].iter().any(|part| name.contains(part));
    (classes != boxes).then_some(classes)
}

fn concatenated(height: usize, width: usize, outputs: &[OutputInfo]) -> Option<(Layout, usize)> {
    let anchors: usize = level_sizes(height, width).iter().map(|(h, w)| h * w * ANCHORS).sum();
    let last = |info: &OutputInfo| match *info.shape.as_slice() {
        [1, n, last] if n == anchors && last > 0 => Some(last),
        _ => None,
    };
    let [first, second] = outputs else { return None };
    let (first_last, second_last) = (last(first)?, last(second)?);
    let first_is_classes = match (first_last, second_last) {
        (4, 4) => named_classes(&first.name).or(named_classes(&second.name).map(|classes| !classes)).unwrap_or(true),
        (_, 4) => true,
        (4, _) => false,
        _ => return None,
    };
    Some(if first_is_classes {
        (Layout::Concatenated { classes: 0, boxes: 1 }, first_last)
    } else {
        (Layout::Concatenated { classes: 1, boxes: 0 }, second_last)
    })
}

/// Ten maps in any order. Where shapes leave a choice (small inputs have levels of one size, four classes have maps as
/// deep as boxes), names decide, then the order of the outputs.
fn levels(height: usize, width: usize, outputs: &[OutputInfo]) -> Option<(Layout, usize)> {
    let mut free: Vec<(usize, &OutputInfo)> = outputs.iter().enumerate().collect();
    let class_count = free.iter().find_map(|(_, info)| match *info.shape.as_slice() {
        [1, channels, ..] if channels != ANCHORS * 4 => Some(channels / ANCHORS),
        _ => None,
    });
    let class_count = class_count.unwrap_or(4);
    let mut take = |level: usize, size: (usize, usize), classes: bool| {
        let channels = ANCHORS * if classes { class_count } else { 4 };
        let fits = |info: &OutputInfo| info.shape == [1, channels, size.0, size.1];
        let says = |info: &OutputInfo| class_count != 4 || named_classes(&info.name).is_none_or(|says| says == classes);
        let label = format!("P{}", level + 3);
        let labelled = |info: &OutputInfo| info.name.to_ascii_uppercase().ends_with(&label);
        let place = free
            .iter()
            .position(|(_, info)| fits(info) && says(info) && labelled(info))
            .or_else(|| free.iter().position(|(_, info)| fits(info) && says(info)))?;
        Some(free.remove(place).0)
    };
    let sizes = level_sizes(height, width);
    let mut indices = [(0, 0); LEVELS];
    for classes in [true, false] {
        for (level, (pair, size)) in indices.iter_mut().zip(sizes).enumerate() {
            let index = take(level, size, classes)?;
            if classes { pair.0 = index } else { pair.1 = index }
        }
    }
    (class_count > 0).then_some((Layout::Levels(indices), class_count))
}
