//! One service: a camera, its deadline and its weight.

use std::path::{Path, PathBuf};

use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::{one_line, path, path_if_given, resolve, while_reading, within};
use crate::unique::Keyed;

/// The shortest deadline.
pub(super) const MIN_SLO_MS: f64 = 10.0;

/// An entry of `services`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// A name for people; different from every other service's.
    #[garde(custom(one_line))]
    pub name: String,
    /// Where its frames come from.
    #[garde(skip)]
    pub camera: Camera,
    /// Frames per second, 0.1 to 240.
    #[garde(custom(within(0.1, 240.0, "frames per second")))]
    pub fps: f64,
    /// From capture to decision, 10 to 10000 ms.
    #[garde(custom(within(MIN_SLO_MS, 10_000.0, "ms")))]
    pub slo_ms: f64,
    /// How much its accuracy counts beside the others', 0 to 1000. Default 1.
    #[serde(default = "one")]
    #[garde(custom(within(0.0, allocation::problem::MAX_WEIGHT, "")))]
    pub weight: f64,
}

/// A source of frames. What is in it is checked while it is read: the places of values inside a variant are not known
/// any more afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Camera {
    /// A drawn street scene with exact ground truth.
    Synthetic(SyntheticCamera),
    /// Photographs, played in the order of their names, again and again.
    Files(FilesCamera),
}

/// The synthetic street camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticCamera {
    /// Pixels, 64 to 7680.
    #[serde(deserialize_with = "width")]
    pub width: u32,
    /// Pixels, 64 to 4320.
    #[serde(deserialize_with = "height")]
    pub height: u32,
}

/// Image files as a camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesCamera {
    /// Directory of JPEG and PNG files.
    #[serde(deserialize_with = "dir")]
    pub dir: PathBuf,
    /// Directory of Pascal VOC files or a COCO JSON file with what is to be seen on them.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "labels")]
    pub labels: Option<PathBuf>,
}

impl Keyed for ServiceConfig {
    const KEY: &'static str = "name";

    fn key(&self) -> String {
        self.name.clone()
    }
}

impl ServiceConfig {
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        if let Camera::Files(files) = &mut self.camera {
            resolve(base, &mut files.dir);
            if let Some(labels) = &mut files.labels {
                resolve(base, labels);
            }
        }
    }
}

fn one() -> f64 {
    1.0
}

fn width<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    while_reading("width", deserializer, within(64.0, 7680.0, "pixels"))
}

fn height<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    while_reading("height", deserializer, within(64.0, 4320.0, "pixels"))
}

fn dir<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    while_reading("dir", deserializer, |dir: &PathBuf, context| path(dir, context))
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    while_reading("labels", deserializer, path_if_given)
}
