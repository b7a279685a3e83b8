//! Why labels could not be read, down to the line.

use std::path::PathBuf;

use super::MAX_CLASSES;

/// Labels that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// A file or directory could not be read.
    #[error("{}: cannot read the labels: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// There are none.
    #[error("{}: there are neither Pascal VOC .xml files nor a COCO .json file in it", dir.display())]
    Empty {
        /// The directory.
        dir: PathBuf,
    },
    /// It is not clear which file is meant.
    #[error("{}: it holds {xml} .xml files and {json} .json files; either .xml files alone or exactly one .json file is wanted, or name the .json file", dir.display())]
    Ambiguous {
        /// The directory.
        dir: PathBuf,
        /// Pascal VOC files.
        xml: usize,
        /// COCO files.
        json: usize,
    },
    /// A place in a file is wrong.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Place {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there and what would be right.
        problem: String,
    },
    /// An entry of a COCO file refers to nothing.
    #[error("{}: annotation {annotation} names {what} {id}, which the file does not define; it has to stand in {list:?}", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// The annotation's index in the file, from 0.
        annotation: usize,
        /// `image_id` or `category_id`.
        what: &'static str,
        /// The number it gives.
        id: u64,
        /// The list it ought to be in.
        list: &'static str,
    },
    /// More classes than a detection can name.
    #[error("{}: {classes} classes; {MAX_CLASSES} is the most", path.display())]
    Classes {
        /// The file, or the last of several.
        path: PathBuf,
        /// How many there are.
        classes: usize,
    },
}
