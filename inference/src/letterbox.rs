//! Fits a frame of any size into a model's input without distorting it: scaled to fit, top left, the rest padded.
//!
//! Top left rather than centred, because both EfficientDet and YOLOX were trained so, and because mapping a box back
//! is then one division.

use fast_image_resize::images::{CroppedImageMut, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rt_core::detections::Detection;

use crate::image::{RgbView, rgb_bytes};

/// Where a frame lies in a model's input.
///
/// ```
/// use inference::letterbox::Letterbox;
/// let letterbox = Letterbox::fit((1920, 1080), (512, 512));
/// assert_eq!((letterbox.content_width, letterbox.content_height), (512, 288));
/// assert!((letterbox.scale - 512.0 / 1920.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Pixels of the model's input for one pixel of the frame.
    pub scale: f32,
    /// Columns of the input that show the frame; the rest, at the right, is padding.
    pub content_width: u32,
    /// Rows of the input that show the frame; the rest, at the bottom, is padding.
    pub content_height: u32,
    frame: (u32, u32),
}

impl Letterbox {
    /// The letterbox of a `frame` (width, height) in an `input` (width, height).
    #[must_use]
    pub fn fit(frame: (u32, u32), input: (u32, u32)) -> Self {
        let horizontal = f64::from(input.0) / f64::from(frame.0.max(1));
        let vertical = f64::from(input.1) / f64::from(frame.1.max(1));
        let scale = horizontal.min(vertical);
        let fitted = |length: u32, limit: u32| ((f64::from(length) * scale).round() as u32).clamp(1, limit.max(1));
        Self {
            scale: scale as f32,
            content_width: fitted(frame.0, input.0),
            content_height: fitted(frame.1, input.1),
            frame,
        }
    }

    /// A box in pixels of the input as a box in pixels of the frame, clipped to the frame; `None` where nothing of it
    /// lies within, or a coordinate is not a number.
    #[must_use]
    pub fn to_frame(&self, detection: &Detection) -> Option<Detection> {
        let (width, height) = (self.frame.0 as f32, self.frame.1 as f32);
        let mapped =
            |value: f32, limit: f32| if value.is_nan() { value } else { (value / self.scale).clamp(0.0, limit) };
        let clipped = Detection {
            x_min: mapped(detection.x_min, width),
            y_min: mapped(detection.y_min, height),
            x_max: mapped(detection.x_max, width),
            y_max: mapped(detection.y_max, height),
            ..*detection
        };
        (clipped.x_max > clipped.x_min && clipped.y_max > clipped.y_min).then_some(clipped)
    }
}

/// A letterbox could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterboxError {
    /// The destination is not of the input's size.
    #[error("a model input of {width}x{height} needs {expected_bytes:?} bytes, the destination has {bytes}")]
    Destination {
        /// Width of the input, pixels.
        width: u32,
        /// Height of the input, pixels.
        height: u32,
        /// Bytes the destination must have; `None` where the input is empty or overflows.
        expected_bytes: Option<usize>,
        /// Bytes it has.
        bytes: usize,
    },
    /// The resizer refused.
    #[error("resizing {from:?} to {to:?} failed: {reason}")]
    Resize {
        /// Width and height before.
        from: (u32, u32),
        /// Width and height wanted.
        to: (u32, u32),
        /// What the resizer said.
        reason: String,
    },
}

/// Draws letterboxes, keeping its pixel buffers from frame to frame; the filter weights of the resizing library are
/// computed, and allocated, anew for each.
pub struct Letterboxer {
    resizer: Resizer,
    options: ResizeOptions,
}

impl Default for Letterboxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Letterboxer {
    /// A letterboxer with the fastest code this processor has.
    #[must_use]
    pub fn new() -> Self {
        // Convolution widens the triangle with the scale, which is the antialiasing that training pipelines apply too.
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
        Self { resizer: Resizer::new(), options }
    }

    /// Draws `frame` into `destination`, which is `input.0 × input.1` pixels of packed RGB, padding with `pad`.
    ///
    /// # Errors
    /// Where `destination` has another size.
    pub fn draw(
        &mut self,
        frame: RgbView<'_>,
        input: (u32, u32),
        pad: [u8; 3],
        destination: &mut [u8],
    ) -> Result<Letterbox, LetterboxError> {
        let (width, height) = input;
        let expected_bytes = rgb_bytes(width, height);
        if expected_bytes != Some(destination.len()) {
            return Err(LetterboxError::Destination { width, height, expected_bytes, bytes: destination.len() });
        }
        let letterbox = Letterbox::fit((frame.width(), frame.height()), input);
        fill_padding(destination, width, &letterbox, pad);
        if (letterbox.content_width, letterbox.content_height) == (frame.width(), frame.height()) {
            copy_content(frame, width, destination);
        } else {
            self.resize(frame, input, &letterbox, destination)?;
        }
        Ok(letterbox)
    }

    fn resize(
        &mut self,
        frame: RgbView<'_>,
        input: (u32, u32),
        letterbox: &Letterbox,
        destination: &mut [u8],
    ) -> Result<(), LetterboxError> {
        let content = (letterbox.content_width, letterbox.content_height);
        let failed = |reason: &dyn std::fmt::Display| LetterboxError::Resize {
            from: (frame.width(), frame.height()),
            to: content,
            reason: reason.to_string(),
        };
        let source = ImageRef::new(frame.width(), frame.height(), frame.data(), PixelType::U8x3)
            .map_err(|error| failed(&error))?;
        let mut target =
            Image::from_slice_u8(input.0, input.1, destination, PixelType::U8x3).map_err(|error| failed(&error))?;
        let mut target =
            CroppedImageMut::new(&mut target, 0, 0, content.0, content.1).map_err(|error| failed(&error))?;
        self.resizer.resize(&source, &mut target, &self.options).map_err(|error| failed(&error))
    }
}

fn copy_content(frame: RgbView<'_>, input_width: u32, destination: &mut [u8]) {
    let rows = destination.chunks_exact_mut(input_width as usize * 3);
    for (row, source) in rows.zip(frame.data().chunks_exact(frame.row_bytes())) {
        if let Some(content) = row.get_mut(..source.len()) {
            content.copy_from_slice(source);
        }
    }
}

fn fill_padding(destination: &mut [u8], input_width: u32, letterbox: &Letterbox, pad: [u8; 3]) {
    let content_bytes = letterbox.content_width as usize * 3;
    for (index, row) in destination.chunks_exact_mut(input_width as usize * 3).enumerate() {
        let from = if index < letterbox.content_height as usize { content_bytes } else { 0 };
        if let Some(padding) = row.get_mut(from..) {
            for pixel in padding.chunks_exact_mut(3) {
                pixel.copy_from_slice(&pad);
            }
        }
    }
}

#[cfg(test)]
mod tests;
