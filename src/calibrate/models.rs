//! The detectors that are measured.

use inference::classes::{ClassMap, map_classes, map_detections};
use inference::detector::Detector;
use rt_core::detections::Detections;

use super::scenes::Scenes;
use crate::failure::Failure;
use crate::verbs::calibrate::NamedModel;

/// A loaded model under its name.
pub struct Model {
    /// Its name in configurations.
    pub name: String,
    /// The detector.
    pub detector: Detector,
    /// From its classes to those of the scenes.
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
    /// Loads all of them, each to run with `threads` threads.
    ///
    /// # Errors
    /// Where a file is no detector, or one that knows no class of the scenes.
    pub fn load(vehicle: &NamedModel, cloud: &[NamedModel], threads: usize) -> Result<Self, Failure> {
        let vehicle = Model::load(vehicle, threads)?;
        let cloud = cloud.iter().map(|model| Model::load(model, threads)).collect::<Result<_, _>>()?;
        Ok(Self { vehicle, cloud })
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
    fn load(model: &NamedModel, threads: usize) -> Result<Self, Failure> {
        let detector = Detector::load(&model.file, threads).map_err(Failure::config)?;
        let classes = map_classes(&detector.info().classes, &Scenes::classes());
        if classes.iter().all(Option::is_none) {
            return Err(Failure::Config(format!(
                "model {} knows none of the classes of the synthetic street ({}); its first are {:?}",
                model.file.display(),
                Scenes::classes().join(", "),
                detector.info().classes.iter().take(8).collect::<Vec<_>>()
            )));
        }
        Ok(Self { name: model.name.clone(), detector, classes })
    }

    /// Renames the classes of `detections` to those of the scenes.
    pub fn rename_classes(&self, detections: &mut Detections) {
        map_detections(&self.classes, detections);
    }
}
