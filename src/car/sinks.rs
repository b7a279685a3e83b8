//! What the collector does with every decision beside logging it: accuracy against the truth, and overlays.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use drivers::ground_truth::{GroundTruth, TruthBox};
use inference::accuracy::{AccuracyAccumulator, Truth};
use inference::classes::{ClassMap, map_classes, normalise};
use inference::image::RgbView;
use inference::overlay::Overlay;
use rt_core::detections::{Detection, Detections};
use telemetry::frame_sink::FrameSink;
use telemetry::records::{FrameRecord, Source};
use telemetry::summary::Accuracy;

use super::allocator::Vocabulary;
use super::sources::Pictures;

/// Frames whose accuracy is kept; at 15 frames a second the first two hours.
const MAX_SCORED_FRAMES: u64 = 100_000;

/// Only boxes that a planner would act on are drawn.
const DRAWN_SCORE: f32 = 0.4;

/// The two accuracies, shared with the summary.
#[derive(Clone, Default)]
pub struct Scores(Arc<Mutex<(AccuracyAccumulator, AccuracyAccumulator)>>);

impl Scores {
    /// COCO AP of what was delivered and of the car alone.
    pub fn finish(&self) -> Accuracy {
        let scores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Accuracy { delivered: scores.0.finish().ap, on_vehicle_only: scores.1.finish().ap }
    }
}

/// Scores every decision against the truth, on the classes that the on-vehicle detector knows.
pub struct Scorer {
    /// The truth, per service, and its classes as the on-vehicle detector numbers them.
    truths: Vec<Option<(Box<dyn GroundTruth>, ClassMap)>>,
    /// How many classes, the first of the car's, the on-vehicle detector knows.
    vehicle_classes: usize,
    /// Where the scores go.
    scores: Scores,
    /// Reused.
    boxes: Vec<TruthBox>,
}

impl Scorer {
    /// A scorer of services whose truth is known or not, on the on-vehicle detector's `classes`.
    pub fn new(truths: Vec<Option<Box<dyn GroundTruth>>>, classes: &[String], scores: Scores) -> Self {
        let mapped = |truth: Box<dyn GroundTruth>| {
            let map = map_classes(truth.classes(), classes);
            (truth, map)
        };
        let truths = truths.into_iter().map(|truth| truth.map(mapped)).collect();
        Self { truths, vehicle_classes: classes.len(), scores, boxes: Vec::new() }
    }
}

impl FrameSink for Scorer {
    fn frame(&mut self, record: &FrameRecord) {
        let index = usize::from(record.meta.service).saturating_sub(1);
        let Some((truth, map)) = self.truths.get_mut(index).and_then(Option::as_mut) else { return };
        if !truth.boxes(record.meta.scene, &mut self.boxes) {
            return;
        }
        let truths: Vec<Truth> = self.boxes.iter().filter_map(|found| truth_of(found, map)).collect();
        let counted = |detections: &Detections| -> Vec<Detection> {
            detections.iter().filter(|found| usize::from(found.class) < self.vehicle_classes).copied().collect()
        };
        let mut scores = self.scores.0.lock().unwrap_or_else(PoisonError::into_inner);
        if scores.0.frames() < MAX_SCORED_FRAMES {
            scores.0.add(&truths, &counted(&record.delivered));
            scores.1.add(&truths, &record.vehicle.as_ref().map(counted).unwrap_or_default());
        }
    }
}

/// A labelled object in the classes that `map` leads to, where it has one there; what does not count is a crowd.
pub fn truth_of(found: &TruthBox, map: &ClassMap) -> Option<Truth> {
    let (x_min, y_min, x_max, y_max) = (found.x_min, found.y_min, found.x_max, found.y_max);
    let class = map.get(usize::from(found.class)).copied().flatten()?;
    Some(Truth { x_min, y_min, x_max, y_max, class, crowd: found.ignore, area: found.area })
}

/// Draws each delivered frame.
pub struct Overlays {
    /// Where to.
    pub dir: PathBuf,
    /// The pictures, per service.
    pub pictures: Vec<Pictures>,
    /// The car's class names.
    pub vocabulary: Vocabulary,
    /// Whether a failure was told; the first tells enough.
    pub failed: bool,
}

impl FrameSink for Overlays {
    fn frame(&mut self, record: &FrameRecord) {
        let index = usize::from(record.meta.service).saturating_sub(1);
        let Some((rgb, width, height)) = self.pictures.get_mut(index).and_then(|all| all.rgb(record.meta.scene)) else {
            return;
        };
        let Ok(view) = RgbView::new(rgb, width, height) else { return };
        let mut overlay = Overlay::new(view);
        let drawn: Vec<Detection> =
            record.delivered.iter().filter(|found| found.score >= DRAWN_SCORE).copied().collect();
        let classes = self.vocabulary.lock().unwrap_or_else(PoisonError::into_inner).clone();
        overlay.detections(&drawn, &classes.iter().map(|name| normalise(name)).collect::<Vec<_>>());
        let source = match record.source {
            Source::Cloud => "cloud",
            Source::Vehicle => "vehicle",
            Source::None => "none",
        };
        overlay.caption(&format!("service {} frame {} {source}", record.meta.service, record.meta.seq));
        let path = self.dir.join(format!("service{}_{:06}_{source}.png", record.meta.service, record.meta.seq));
        if let Err(error) = overlay.write_png(&path)
            && !self.failed
        {
            self.failed = true;
            telemetry::say!("turbo: overlays: {error}");
        }
    }
}
