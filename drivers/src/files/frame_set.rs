//! The photographs of a directory, decoded into memory within a budget.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::decode::{Image, decode, dimensions};
use super::error::FilesError;

/// Memory for decoded photographs unless said otherwise: 512 MiB, 86 frames of 1920 × 1080.
pub const DEFAULT_BUDGET_BYTES: usize = 512 << 20;

/// Decoded photographs in the order of their file names; never empty.
#[derive(Debug)]
pub struct FrameSet {
    frames: Vec<(String, Image)>,
    largest: (u32, u32),
    frame_bytes: usize,
    left_out: usize,
}

impl FrameSet {
    /// Decodes every `.jpg`, `.jpeg` and `.png` file directly in `dir`, in name order, as long as they fit into
    /// `budget_bytes` of memory; [`FrameSet::left_out`] says how many did not.
    ///
    /// # Errors
    /// The first file that cannot be read or decoded, by name: a photograph that is silently missing would make every
    /// accuracy measured on the rest a lie.
    pub fn open(dir: &Path, budget_bytes: usize) -> Result<Self, FilesError> {
        let paths = photographs(dir)?;
        let (mut frames, mut used_bytes) = (Vec::new(), 0_usize);
        let mut largest = (0_u32, 0_u32);
        for path in &paths {
            let coded = std::fs::read(path).map_err(|source| FilesError::Read { path: path.clone(), source })?;
            let refused = |source| FilesError::Image { path: path.clone(), source };
            let (width, height) = dimensions(&coded).map_err(refused)?;
            let need_bytes = width as usize * height as usize * 3;
            if used_bytes.saturating_add(need_bytes) > budget_bytes {
                if frames.is_empty() {
                    return Err(FilesError::Budget { path: path.clone(), need_bytes, budget_bytes });
                }
                break;
            }
            let image = decode(&coded).map_err(refused)?;
            used_bytes += image.rgb.len();
            largest = (largest.0.max(image.width), largest.1.max(image.height));
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            frames.push((name, image));
        }
        let frame_bytes = frames.iter().map(|(_, image)| image.rgb.len()).max().unwrap_or(0);
        let left_out = paths.len() - frames.len();
        Ok(Self { frames, largest, frame_bytes, left_out })
    }

    /// How many photographs there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is no empty set")]
    pub const fn len(&self) -> usize {
        self.frames.len()
    }

    /// Photographs of the directory that did not fit into the budget; they were neither decoded nor checked.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// The greatest width and the greatest height, pixels; not necessarily of the same photograph.
    #[must_use]
    pub const fn largest(&self) -> (u32, u32) {
        self.largest
    }

    /// Bytes of the photograph with the most pixels.
    #[must_use]
    pub const fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// A photograph by its index.
    #[must_use]
    pub fn image(&self, index: u64) -> Option<&Image> {
        Some(&self.frames.get(usize::try_from(index).ok()?)?.1)
    }

    /// A photograph's file name by its index.
    #[must_use]
    pub fn name(&self, index: u64) -> Option<&str> {
        Some(&self.frames.get(usize::try_from(index).ok()?)?.0)
    }

    /// All file names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().map(|(name, _)| name.as_str())
    }
}

/// The `.jpg`, `.jpeg` and `.png` files directly in `dir`, in name order; at least one.
///
/// # Errors
/// A directory that cannot be read, or without any.
pub fn photographs(dir: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let refused = |source| FilesError::Directory { dir: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        if ["jpg", "jpeg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(FilesError::Empty { dir: dir.to_owned() });
    }
    paths.sort();
    Ok(paths)
}
