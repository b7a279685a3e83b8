//! Codes camera frames and model inputs straight into the slot they are sent from.

use std::io::ErrorKind;

use allocation::model_config::{Coding, Payload};
use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

use super::{CodecError, WireCoding, check_sides};
use crate::image::{RgbView, rgb_bytes};
use crate::letterbox::Letterboxer;

/// What was written into the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Bytes, from the start of the slot.
    pub bytes: usize,
    /// Width of the coded image, pixels: the frame's, or the model input's.
    pub width: u32,
    /// Height of the coded image, pixels.
    pub height: u32,
}

/// What pads a letterboxed input on the wire. The receiver puts its model's own padding in its place, so that only
/// its being flat, hence cheap to code, matters.
const WIRE_PADDING: [u8; 3] = [114; 3];

/// Codes one image after the other; its own buffers are kept, the JPEG and PNG encoders' row buffers are not.
///
/// ```
/// use allocation::model_config::{Coding, Payload};
/// use inference::{codec::ImageEncoder, image::RgbView};
/// let frame = vec![90_u8; 64 * 48 * 3];
/// let mut slot = vec![0_u8; 64 * 1024];
/// let frame = RgbView::new(&frame, 64, 48)?;
/// let coded = ImageEncoder::new().encode(Payload::Frame(Coding::Jpeg(75)), (32, 32), frame, &mut slot)?;
/// assert_eq!((coded.width, coded.height), (64, 48));
/// assert!(coded.bytes < 64 * 48 * 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct ImageEncoder {
    letterboxer: Letterboxer,
    input: Vec<u8>,
}

impl ImageEncoder {
    /// An encoder with empty buffers; they grow to the largest model input once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Codes `frame` as `payload` says into `out`. `input_size` is the width and height of the model's input, which
    /// [`Payload::Input`] and [`Payload::RawInput`] are letterboxed to.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`] where `out` is too small (what it then holds is not an image), or
    /// [`CodecError::Dimensions`] for a size that cannot be coded.
    pub fn encode(
        &mut self,
        payload: Payload,
        input_size: (u32, u32),
        frame: RgbView<'_>,
        out: &mut [u8],
    ) -> Result<Encoded, CodecError> {
        match payload {
            Payload::Frame(coding) => code(coding, frame, out),
            Payload::Input(coding) => {
                let (width, height) = input_size;
                check_sides(width, height)?;
                self.input.resize(rgb_bytes(width, height).unwrap_or(0), 0);
                self.letterboxer.draw(frame, input_size, WIRE_PADDING, &mut self.input)?;
                let input =
                    RgbView::new(&self.input, width, height).map_err(|_| CodecError::Dimensions { width, height })?;
                code(coding, input, out)
            }
            Payload::RawInput => {
                let (width, height) = input_size;
                check_sides(width, height)?;
                let bytes = rgb_bytes(width, height).unwrap_or(0);
                let capacity_bytes = out.len();
                let slot = out.get_mut(..bytes).ok_or(CodecError::TooLarge { width, height, capacity_bytes })?;
                self.letterboxer.draw(frame, input_size, WIRE_PADDING, slot)?;
                Ok(Encoded { bytes, width, height })
            }
        }
    }
}

fn code(coding: Coding, image: RgbView<'_>, out: &mut [u8]) -> Result<Encoded, CodecError> {
    let (width, height) = (image.width(), image.height());
    check_sides(width, height)?;
    let capacity_bytes = out.len();
    let mut rest = out;
    match coding {
        Coding::Jpeg(quality) => jpeg(quality, image, &mut rest),
        Coding::Png => png(image, &mut rest),
    }
    .map_err(|reason| match reason {
        Failure::Full => CodecError::TooLarge { width, height, capacity_bytes },
        Failure::Other(coding, reason) => CodecError::Encoder { coding, width, height, reason },
    })?;
    Ok(Encoded { bytes: capacity_bytes - rest.len(), width, height })
}

enum Failure {
    Full,
    Other(WireCoding, String),
}

fn jpeg(quality: u8, image: RgbView<'_>, out: &mut &mut [u8]) -> Result<(), Failure> {
    let side = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
    let mut encoder = Encoder::new(out, quality.clamp(1, 100));
    // The crate's own choice from quality 90 on is 4:4:4; the menu's sizes and every camera's JPEG are 4:2:0.
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(image.data(), side(image.width()), side(image.height()), ColorType::Rgb).map_err(|error| match error
    {
        EncodingError::IoError(error) if error.kind() == ErrorKind::WriteZero => Failure::Full,
        other => Failure::Other(WireCoding::Jpeg, other.to_string()),
    })
}

fn png(image: RgbView<'_>, out: &mut &mut [u8]) -> Result<(), Failure> {
    let failed = |error| match error {
        png::EncodingError::IoError(error) if error.kind() == ErrorKind::WriteZero => Failure::Full,
        other => Failure::Other(WireCoding::Png, other.to_string()),
    };
    let mut encoder = png::Encoder::new(out, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(image.data()).map_err(failed)?;
    writer.finish().map_err(failed)
}
