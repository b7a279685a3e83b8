//! The cloud's menu: which models it serves, how fast they are right now, what their class numbers mean.

use super::cursor::{Reader, put_name};
use super::{MAX_CLASSES, MAX_MODELS, MAX_SIDE, WireError, in_range};

/// One model the cloud serves; its place in the menu is its number in frame headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The model's name, as configurations and the utility table spell it.
    pub name: String,
    /// Width of the model's input, pixels.
    pub input_width: u16,
    /// Height of the model's input, pixels.
    pub input_height: u16,
    /// Class names; a detection's `class` is an index into them.
    pub classes: Vec<String>,
    /// Measured execution time (prepare, inference and finish), median, microseconds.
    pub p50_us: u32,
    /// The same, 95th percentile, microseconds.
    pub p95_us: u32,
    /// Workers that serve the model at present.
    pub workers: u16,
}

/// The whole menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudMenu {
    /// The models; the index is the number used in frame headers.
    pub models: Vec<ModelEntry>,
}

impl CloudMenu {
    /// The number of the model called `name`.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<u16> {
        self.models.iter().position(|model| model.name == name).and_then(|index| u16::try_from(index).ok())
    }

    /// Appends the menu to `out`.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let models = self.models.get(..MAX_MODELS).unwrap_or(&self.models);
        out.extend_from_slice(&u16::try_from(models.len()).unwrap_or(0).to_le_bytes());
        for model in models {
            put_name(out, &model.name);
            out.extend_from_slice(&model.input_width.to_le_bytes());
            out.extend_from_slice(&model.input_height.to_le_bytes());
            out.extend_from_slice(&model.p50_us.to_le_bytes());
            out.extend_from_slice(&model.p95_us.to_le_bytes());
            out.extend_from_slice(&model.workers.to_le_bytes());
            let classes = model.classes.get(..MAX_CLASSES).unwrap_or(&model.classes);
            out.extend_from_slice(&u16::try_from(classes.len()).unwrap_or(0).to_le_bytes());
            for class in classes {
                put_name(out, class);
            }
        }
    }

    /// Reads a menu.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = reader.u16("number of models")?;
        in_range("number of models", u64::from(count), 0, MAX_MODELS as u64)?;
        let mut models = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            models.push(ModelEntry::read(reader)?);
        }
        Ok(Self { models })
    }
}

impl ModelEntry {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name = reader.name("model name")?;
        let input_width = reader.u16("model input width")?;
        let input_height = reader.u16("model input height")?;
        in_range("model input width", u64::from(input_width), 1, u64::from(MAX_SIDE))?;
        in_range("model input height", u64::from(input_height), 1, u64::from(MAX_SIDE))?;
        let p50_us = reader.u32("model p50")?;
        let p95_us = reader.u32("model p95")?;
        let workers = reader.u16("model workers")?;
        let class_count = reader.u16("number of classes")?;
        in_range("number of classes", u64::from(class_count), 0, MAX_CLASSES as u64)?;
        let mut classes = Vec::with_capacity(usize::from(class_count));
        for _ in 0..class_count {
            classes.push(reader.name("class name")?);
        }
        Ok(Self { name, input_width, input_height, classes, p50_us, p95_us, workers })
    }
}
