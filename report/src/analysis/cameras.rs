//! Log type 2: the captured frames of one camera.

use super::Times;
use crate::part::{PartProblem, Table};

pub(super) const COLUMNS: &[&str] = &["context_id", "camera_image_path", "image_age", "dropped_before"];

/// Everything that one camera gave.
#[derive(Clone, Debug, Default)]
pub struct CameraStats {
    /// Frames captured.
    pub frames: u64,
    /// Frames that were due, and that nobody took in time.
    pub dropped: u64,
    /// Frames whose bytes were kept.
    pub saved: u64,
    /// Capture to hand-over.
    pub age: Times,
}

impl CameraStats {
    /// Adds a part.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table) -> Result<(), PartProblem> {
        let ages = table.need_floats("image_age")?;
        let paths = table.need_texts("camera_image_path")?;
        self.frames += ages.len() as u64;
        self.saved += paths.iter().filter(|path| !path.is_empty()).count() as u64;
        let dropped = table.integers("dropped_before").unwrap_or_default();
        self.dropped += dropped.into_iter().flatten().filter_map(|dropped| u64::try_from(dropped).ok()).sum::<u64>();
        ages.into_iter().for_each(|age| self.age.add(age));
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.frames += other.frames;
        self.dropped += other.dropped;
        self.saved += other.saved;
        self.age.merge(&other.age);
    }
}
