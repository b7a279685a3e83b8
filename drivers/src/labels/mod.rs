//! Labels of photographs: which objects are where, from Pascal VOC or COCO files.

mod coco;
mod error;
mod voc;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::ground_truth::TruthBox;

pub use error::LabelsError;

/// The most classes: a detection's class is one byte.
pub(crate) const MAX_CLASSES: usize = 256;

/// Boxes per photograph, by file name.
///
/// ```no_run
/// use drivers::labels::Labels;
/// let labels = Labels::load("photographs/annotations".as_ref())?;
/// println!("{:?}: {:?}", labels.classes(), labels.boxes("road195.jpg"));
/// # Ok::<(), drivers::labels::LabelsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    classes: Vec<String>,
    images: Vec<Vec<TruthBox>>,
    /// By file name without directories.
    by_name: BTreeMap<String, usize>,
    /// By file name without extension; `None` where two names differ in nothing else.
    by_stem: BTreeMap<String, Option<usize>>,
    left_out: usize,
}

impl Labels {
    /// Reads the labels at `path`: a COCO `.json` file, or a directory that directly holds Pascal VOC `.xml` files or
    /// exactly one COCO `.json` file, or one with such a directory called `annotations`.
    ///
    /// # Errors
    /// Names the file, the line and what would be right; a directory without labels, or with both kinds, is an error.
    pub fn load(path: &Path) -> Result<Self, LabelsError> {
        if !path.is_dir() {
            return coco::load(path);
        }
        let found = Found::in_dir(path)?;
        let nested = path.join("annotations");
        let found = if found.is_empty() && nested.is_dir() { Found::in_dir(&nested)? } else { found };
        match (found.xml.as_slice(), found.json.as_slice()) {
            ([], [json]) => coco::load(json),
            ([_, ..], []) => voc::load(&found.xml),
            ([], []) => Err(LabelsError::Empty { dir: path.to_owned() }),
            (xml, json) => Err(LabelsError::Ambiguous { dir: path.to_owned(), xml: xml.len(), json: json.len() }),
        }
    }

    /// Class names, in the order of [`TruthBox::class`].
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The objects in the photograph called `file_name`; `None` where it has no labels. Where no label names it with
    /// its extension, the name without it decides: photographs are often stored as another format than they were
    /// labelled in.
    #[must_use]
    pub fn boxes(&self, file_name: &str) -> Option<&[TruthBox]> {
        let by_name = || self.by_name.get(file_name).copied();
        let index = by_name().or_else(|| self.by_stem.get(stem(file_name)).copied().flatten())?;
        self.images.get(index).map(Vec::as_slice)
    }

    /// How many photographs have labels.
    #[must_use]
    pub const fn images(&self) -> usize {
        self.images.len()
    }

    /// Boxes without any area, which were left out; the published sets have a few.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Makes room for a photograph's boxes and gives its index.
    fn add_image(&mut self, file_name: Option<&str>, stem: &str) -> usize {
        let index = self.images.len();
        self.images.push(Vec::new());
        if let Some(name) = file_name {
            self.by_name.insert(name.to_owned(), index);
        }
        self.by_stem.entry(stem.to_owned()).and_modify(|known| *known = None).or_insert(Some(index));
        index
    }

    fn add_box(&mut self, image: usize, item: TruthBox) {
        if !(item.x_max > item.x_min && item.y_max > item.y_min) {
            self.left_out += 1;
        } else if let Some(boxes) = self.images.get_mut(image) {
            boxes.push(item);
        }
    }
}

#[derive(Default)]
struct Found {
    xml: Vec<PathBuf>,
    json: Vec<PathBuf>,
}

impl Found {
    fn in_dir(dir: &Path) -> Result<Self, LabelsError> {
        let refused = |source| LabelsError::Read { path: dir.to_owned(), source };
        let mut found = Self::default();
        for entry in std::fs::read_dir(dir).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            match path.extension().and_then(OsStr::to_str) {
                Some("xml") => found.xml.push(path),
                Some("json") => found.json.push(path),
                _ => {}
            }
        }
        found.xml.sort();
        Ok(found)
    }

    const fn is_empty(&self) -> bool {
        self.xml.is_empty() && self.json.is_empty()
    }
}

/// A file name without its extension.
fn stem(file_name: &str) -> &str {
    file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests;
