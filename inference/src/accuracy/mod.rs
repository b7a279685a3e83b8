//! COCO's average precision: how good detections are, as everybody counts it.
//!
//! Per class and threshold of intersection over union (0.50 to 0.95 by 0.05), detections of a frame are matched to its
//! truths, best score first; over all frames this gives precision at 101 recalls, whose mean is AP: over areas of all sizes,
//! and over small, medium and large objects alone (up to 32², up to 96² and beyond, pixels). At most 100 detections per class and frame, crowds ignored, classes without any truth left out, as in `pycocotools.COCOeval`, which
//! a test compares with. What is kept of a frame is a few bytes per detection.

mod matching;
mod precision;

use rt_core::detections::Detection;

use matching::{Scored, match_class};

/// Thresholds of intersection over union, 0.50 to 0.95.
pub(crate) const THRESHOLDS: usize = 10;

/// Classes that 8 bits tell apart.
const CLASSES: usize = 256;

/// Ranges of areas: all, small, medium, large.
const SIZES: usize = 4;

/// One object that is really there, in pixels of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    /// Left edge, pixels.
    pub x_min: f32,
    /// Top edge, pixels.
    pub y_min: f32,
    /// Right edge, pixels.
    pub x_max: f32,
    /// Bottom edge, pixels.
    pub y_max: f32,
    /// Index into the same class names as the detections it is compared with.
    pub class: u8,
    /// A region of objects that do not count (COCO's `iscrowd`): whatever is found mostly within it is neither right
    /// nor wrong, and it is not missed either.
    pub crowd: bool,
    /// What its size is judged by, px²: of COCO's labels the outline's area; that of the box without it.
    pub area: Option<f32>,
}

/// How good one class was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassAccuracy {
    /// The class.
    pub class: u8,
    /// How many truths there were.
    pub truths: u32,
    /// Average precision over the thresholds 0.50 to 0.95, 0 to 1.
    pub ap: f64,
    /// Average precision at 0.50, 0 to 1.
    pub ap50: f64,
}

/// How good detections were over all frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Mean of the classes' average precision, 0 to 1; `None` where no class had any truth.
    pub ap: Option<f64>,
    /// Mean of the classes' average precision at 0.50, 0 to 1; `None` where no class had any truth.
    pub ap50: Option<f64>,
    /// As `ap`, over objects of up to 32² px; `None` where there was none. What is found of other sizes does not count.
    pub ap_small: Option<f64>,
    /// The same of 32² to 96² px.
    pub ap_medium: Option<f64>,
    /// The same of 96² px and more.
    pub ap_large: Option<f64>,
    /// The classes that had truths, by index.
    pub per_class: Vec<ClassAccuracy>,
}

#[derive(Clone, Default)]
struct Class {
    truths: [u32; SIZES],
    scored: Vec<Scored>,
}

/// Collects frames.
///
/// ```
/// use inference::accuracy::{AccuracyAccumulator, Truth};
/// use rt_core::detections::Detection;
/// let mut accuracy = AccuracyAccumulator::new();
/// let truth = Truth { x_max: 10.0, y_max: 10.0, ..Truth::default() };
/// let found = Detection { x_max: 10.0, y_max: 8.0, score: 0.9, ..Detection::default() };
/// accuracy.add(&[truth], &[found]);
/// let result = accuracy.finish();
/// assert_eq!(result.ap50, Some(1.0), "an overlap of 0.8 counts at 0.50");
/// assert!((result.ap.unwrap() - 0.7).abs() < 1e-9, "and at seven of the ten thresholds");
/// ```
#[derive(Clone)]
pub struct AccuracyAccumulator {
    classes: Vec<Class>,
    frames: u64,
}

impl Class {
    fn count(&mut self, truths: [u32; SIZES]) {
        self.truths.iter_mut().zip(truths).for_each(|(all, more)| *all += more);
    }

    /// AP and AP at 0.50 over the truths of one range of areas, and how many there are; `None` without any.
    fn precision(&self, size: usize) -> Option<(u32, f64, f64)> {
        let truths = self.truths.get(size).copied().filter(|truths| *truths > 0)?;
        let precision = precision::average_precisions(&self.scored, size, truths);
        let ap = precision.iter().sum::<f64>() / THRESHOLDS as f64;
        Some((truths, ap, precision.first().copied().unwrap_or(0.0)))
    }
}

impl Default for AccuracyAccumulator {
    fn default() -> Self {
        Self::new()
    }
}

impl AccuracyAccumulator {
    /// Nothing collected yet.
    #[must_use]
    pub fn new() -> Self {
        Self { classes: vec![Class::default(); CLASSES], frames: 0 }
    }

    /// Frames added.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Adds one frame: what there is in it, and what was found, in any order.
    pub fn add(&mut self, frame_truths: &[Truth], detections: &[Detection]) {
        self.frames += 1;
        let mut present = [false; CLASSES];
        let seen = frame_truths.iter().map(|truth| truth.class).chain(detections.iter().map(|found| found.class));
        for class in seen {
            if let Some(flag) = present.get_mut(usize::from(class)) {
                *flag = true;
            }
        }
        for (class, kept) in
            (0..=u8::MAX).zip(&mut self.classes).zip(present).filter_map(|(pair, is)| is.then_some(pair))
        {
            let truths = match_class(class, frame_truths, detections, &mut kept.scored);
            kept.count(truths);
        }
    }

    /// Takes over the frames of another accumulator, as if they had been added here after its own.
    pub fn merge(&mut self, other: &Self) {
        self.frames += other.frames;
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            mine.count(theirs.truths);
            mine.scored.extend_from_slice(&theirs.scored);
        }
    }

    /// The accuracy over everything added so far.
    #[must_use]
    pub fn finish(&self) -> Accuracy {
        let classes = || (0..=u8::MAX).zip(&self.classes);
        let per_class: Vec<ClassAccuracy> = classes()
            .filter_map(|(class, kept)| {
                let (truths, ap, ap50) = kept.precision(0)?;
                Some(ClassAccuracy { class, truths, ap, ap50 })
            })
            .collect();
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let all = |value: fn(&ClassAccuracy) -> f64| mean(&per_class.iter().map(value).collect::<Vec<_>>());
        let of = |size| {
            let each = classes().filter_map(|(_, kept)| kept.precision(size).map(|(_, ap, _)| ap));
            mean(&each.collect::<Vec<_>>())
        };
        let (ap, ap50) = (all(|class| class.ap), all(|class| class.ap50));
        Accuracy { ap, ap50, ap_small: of(1), ap_medium: of(2), ap_large: of(3), per_class }
    }
}

#[cfg(test)]
mod tests;
