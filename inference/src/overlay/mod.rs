//! Detections drawn over their frame, for a person to look at. Not for the hot path.

mod font;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use rt_core::detections::Detection;

use crate::accuracy::Truth;
use crate::image::RgbView;

/// A colour: red, green, blue.
pub type Colour = [u8; 3];

/// The colour of truths.
pub const TRUTH_COLOUR: Colour = [255, 255, 255];

/// Colours of classes, by index modulo their number: far apart from each other and from most of a street.
const CLASS_COLOURS: [Colour; 8] = [
    [255, 64, 64],
    [64, 224, 64],
    [80, 160, 255],
    [255, 200, 0],
    [255, 80, 255],
    [0, 230, 230],
    [255, 140, 40],
    [170, 120, 255],
];

/// Why an overlay could not be written.
#[derive(Debug, thiserror::Error)]
#[error("overlay {path}: {source}", path = path.display())]
pub struct OverlayError {
    /// The file.
    path: PathBuf,
    /// What went wrong.
    source: png::EncodingError,
}

/// A copy of a frame that is drawn upon.
///
/// ```
/// use inference::{image::RgbView, overlay::Overlay};
/// use rt_core::detections::Detection;
/// let pixels = vec![0_u8; 64 * 48 * 3];
/// let mut overlay = Overlay::new(RgbView::new(&pixels, 64, 48)?);
/// let car = Detection { x_min: 8.0, y_min: 20.0, x_max: 40.0, y_max: 40.0, score: 0.9, class: 0 };
/// overlay.detections(&[car], &["car".to_owned()]);
/// let file = tempfile::NamedTempFile::new()?;
/// overlay.write_png(file.path())?;
/// assert!(std::fs::metadata(file.path())?.len() > 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Overlay {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl Overlay {
    /// Copies `frame`.
    #[must_use]
    pub fn new(frame: RgbView<'_>) -> Self {
        Self { pixels: frame.data().to_vec(), width: frame.width(), height: frame.height() }
    }

    /// The pixels as they are now.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Draws each box with the name of its class (an index into `classes`) and its score.
    pub fn detections(&mut self, detections: &[Detection], classes: &[String]) {
        for found in detections {
            let colour = CLASS_COLOURS.get(usize::from(found.class) % CLASS_COLOURS.len()).copied();
            let colour = colour.unwrap_or(TRUTH_COLOUR);
            let label = format!("{} {:.2}", class_name(classes, found.class), found.score);
            self.boxed([found.x_min, found.y_min, found.x_max, found.y_max], &label, colour);
        }
    }

    /// Draws each true box in white with the name of its class (an index into `classes`).
    pub fn truths(&mut self, truths: &[Truth], classes: &[String]) {
        for truth in truths {
            let corners = [truth.x_min, truth.y_min, truth.x_max, truth.y_max];
            self.boxed(corners, &class_name(classes, truth.class), TRUTH_COLOUR);
        }
    }

    /// Writes a line of text at the top left, such as where the result came from.
    pub fn caption(&mut self, text: &str) {
        self.text(0, 0, text, [0, 0, 0], TRUTH_COLOUR);
    }

    /// Writes the picture as a PNG.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<(), OverlayError> {
        self.encode(path).map_err(|source| OverlayError { path: path.to_owned(), source })
    }

    fn encode(&self, path: &Path) -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()
    }

    /// Letters grow with the picture, so that they can be read when it is shown scaled down.
    fn scale(&self) -> i64 {
        i64::from(self.width.max(self.height) / 640).max(1)
    }

    fn boxed(&mut self, corners: [f32; 4], label: &str, colour: Colour) {
        let [left, top, right, bottom] = corners.map(|corner| corner.round() as i64);
        let thick = self.scale();
        self.fill(left, top, right, top + thick, colour);
        self.fill(left, bottom - thick, right, bottom, colour);
        self.fill(left, top, left + thick, bottom, colour);
        self.fill(right - thick, top, right, bottom, colour);
        let above = top - font::LINE_HEIGHT * thick;
        self.text(left, if above >= 0 { above } else { top }, label, [0, 0, 0], colour);
    }

    /// Text on a filled ground, its top left corner at (`x`, `y`).
    fn text(&mut self, x: i64, y: i64, text: &str, ink: Colour, ground: Colour) {
        let scale = self.scale();
        let length = i64::try_from(text.chars().count()).unwrap_or(0);
        let width = (length * font::ADVANCE + 1) * scale;
        self.fill(x, y, x + width, y + font::LINE_HEIGHT * scale, ground);
        for (index, character) in (0_i64..).zip(text.chars()) {
            let from = x + (index * font::ADVANCE + 1) * scale;
            for (column, row) in font::dots(character) {
                let (px, py) = (from + column * scale, y + (row + 1) * scale);
                self.fill(px, py, px + scale, py + scale, ink);
            }
        }
    }

    /// Fills from (`left`, `top`) up to but not including (`right`, `bottom`), whatever of it lies in the picture.
    fn fill(&mut self, left: i64, top: i64, right: i64, bottom: i64, colour: Colour) {
        let inside = |value: i64, limit: u32| usize::try_from(value.clamp(0, i64::from(limit))).unwrap_or(0);
        let (left, right) = (inside(left, self.width), inside(right, self.width));
        let (top, bottom) = (inside(top, self.height), inside(bottom, self.height));
        let rows = self.pixels.chunks_exact_mut(self.width as usize * 3);
        for row in rows.take(bottom).skip(top) {
            for pixel in row.as_chunks_mut::<3>().0.iter_mut().take(right).skip(left) {
                *pixel = colour;
            }
        }
    }
}

fn class_name(classes: &[String], class: u8) -> String {
    classes.get(usize::from(class)).cloned().unwrap_or_else(|| format!("class{class}"))
}

#[cfg(test)]
mod tests;
