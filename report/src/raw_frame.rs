//! Raw frames that log type 2 points at.

use std::path::{Path, PathBuf};

/// The file that `camera_image_path` means: where it says, or, since runs are copied to other machines, beside the
/// part that says it.
#[must_use]
pub fn locate(path: &str, part: &Path) -> Option<PathBuf> {
    let path = Path::new(path);
    let beside = part.with_file_name(path.file_name()?);
    [beside, path.to_owned()].into_iter().find(|path| path.is_file())
}
