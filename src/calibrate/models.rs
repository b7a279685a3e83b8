//! The detectors that are measured.

use std::path::PathBuf;

use config::table::{FileHash, MeasuredModel};
use inference::classes::{ClassMap, map_classes, map_detections};
use inference::detector::Detector;
use rt_core::detections::Detections;

use crate::failure::Failure;

/// A model file and the name that configurations call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedModel {
    /// The name, such as `edd1`.
    pub name: String,
    /// The ONNX file.
    pub file: PathBuf,
}

/// A loaded model under its name.
pub struct Model {
    /// Its name in configurations.
    pub name: String,
    /// The detector.
    pub detector: Detector,
    /// From its classes to those of the truth.
    classes: ClassMap,
}

/// The models of one table.
pub struct Models {
    /// The car's.
    pub vehicle: Model,
    /// The cloud's, in the order of the table.
    pub cloud: Vec<Model>,
}

impl Models {
    /// Loads all of them, the cloud's to run with `threads` threads each, and the car's with one, as it does; `classes` are
    /// those of the truth.
    ///
    /// # Errors
    /// Where a file is no detector, or one that knows none of the classes.
    pub fn load(
        vehicle: &NamedModel,
        cloud: &[NamedModel],
        threads: usize,
        classes: &[String],
    ) -> Result<Self, Failure> {
        let vehicle = Model::load(vehicle, 1, classes)?;
        let cloud = cloud.iter().map(|model| Model::load(model, threads, classes)).collect::<Result<_, _>>()?;
        Ok(Self { vehicle, cloud })
    }

    /// For each of `count` classes of the truth, whether any of the models knows it.
    #[must_use]
    pub fn known(&self, count: usize) -> Vec<bool> {
        let all = || std::iter::once(&self.vehicle).chain(&self.cloud);
        let known =
            |class: usize| all().any(|model| model.classes.iter().flatten().any(|to| usize::from(*to) == class));
        (0..count).map(known).collect()
    }

    /// Each once, as a table names them.
    #[must_use]
    pub fn measured(&self) -> Vec<MeasuredModel> {
        let mut models: Vec<MeasuredModel> = Vec::new();
        for model in std::iter::once(&self.vehicle).chain(&self.cloud) {
            let info = model.detector.info();
            if !models.iter().any(|known| known.name == model.name) {
                models.push(MeasuredModel {
                    name: model.name.clone(),
                    input_width: info.input_width,
                    input_height: info.input_height,
                    fnv1a64: FileHash(info.fnv1a64),
                });
            }
        }
        models
    }

    /// Names, sizes and hashes, for a reader.
    #[must_use]
    pub fn describe(&self) -> String {
        let all = std::iter::once(&self.vehicle).chain(&self.cloud);
        all.map(|model| {
            let info = model.detector.info();
            let (name, width, height) = (&model.name, info.input_width, info.input_height);
            format!("{name} (input {width}x{height}, {} bytes, FNV-1a {:016x})", info.file_bytes, info.fnv1a64)
        })
        .collect::<Vec<_>>()
        .join(", ")
    }
}

impl Model {
    fn load(model: &NamedModel, threads: usize, wanted: &[String]) -> Result<Self, Failure> {
        let detector = Detector::load(&model.file, threads).map_err(Failure::config)?;
        let classes = map_classes(&detector.info().classes, wanted);
        if classes.iter().all(Option::is_none) {
            return Err(Failure::Config(format!(
                "model {} knows none of the labelled classes ({}); its first are {:?}",
                model.file.display(),
                wanted.join(", "),
                detector.info().classes.iter().take(8).collect::<Vec<_>>()
            )));
        }
        Ok(Self { name: model.name.clone(), detector, classes })
    }

    /// Renames the classes of `detections` to those of the truth.
    pub fn rename_classes(&self, detections: &mut Detections) {
        map_detections(&self.classes, detections);
    }
}
