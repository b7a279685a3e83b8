//! Why photographs could not be had.

use std::path::PathBuf;

/// A directory of photographs that cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The directory could not be listed.
    #[error("{}: cannot list the photographs: {source}; give a directory with .jpg, .jpeg or .png files", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// It has no photographs.
    #[error("{}: there is no .jpg, .jpeg or .png file in it", dir.display())]
    Empty {
        /// The directory.
        dir: PathBuf,
    },
    /// A file could not be read.
    #[error("{}: cannot read the photograph: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A file is not a whole photograph.
    #[error("{}: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// Not even the first photograph fits into the memory allowed.
    #[error("{}: decoded it takes {need_bytes} bytes, but photographs may take {budget_bytes} in all; allow more or make it smaller", path.display())]
    Budget {
        /// The first photograph.
        path: PathBuf,
        /// Its bytes, decoded.
        need_bytes: usize,
        /// What is allowed.
        budget_bytes: usize,
    },
}

/// Bytes that are not a whole JPEG or PNG image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Neither of the two formats.
    #[error(
        "neither a JPEG nor a PNG image: it begins with {first:02x?}, a JPEG with [ff, d8, ff], a PNG with [89, 50, 4e, 47]"
    )]
    Format {
        /// The first bytes, four at most.
        first: Vec<u8>,
    },
    /// It ends too early.
    #[error("the {format} image is cut short after {bytes} bytes: {reason}; copy the file again")]
    Truncated {
        /// `JPEG` or `PNG`.
        format: &'static str,
        /// Bytes there are.
        bytes: usize,
        /// The decoder's words.
        reason: String,
    },
    /// It is damaged, or of a kind that cannot be decoded.
    #[error(
        "the {format} image cannot be decoded: {reason}; export it again as baseline or progressive JPEG, or as PNG"
    )]
    Damaged {
        /// `JPEG` or `PNG`.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// It is larger than any camera's frame.
    #[error("the image is {width} × {height} pixels; {most} a side is the most")]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The most there may be on a side.
        most: usize,
    },
}
