//! What travels between the car and the cloud: images coded into slots and decoded from untrusted bytes.

mod decode;
mod encode;

pub use decode::ImageDecoder;
pub use encode::{Encoded, ImageEncoder};

use crate::letterbox::LetterboxError;

/// How the bytes on the wire are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireCoding {
    /// Packed 8-bit RGB, 3 bytes a pixel.
    Raw,
    /// Baseline or progressive JPEG.
    Jpeg,
    /// PNG.
    Png,
}

impl WireCoding {
    /// The coding that a payload is sent in.
    ///
    /// ```
    /// use allocation::model_config::{Coding, Payload};
    /// use inference::codec::WireCoding;
    /// assert_eq!(WireCoding::of(Payload::Frame(Coding::Jpeg(75))), WireCoding::Jpeg);
    /// assert_eq!(WireCoding::of(Payload::RawInput), WireCoding::Raw);
    /// ```
    #[must_use]
    pub const fn of(payload: allocation::model_config::Payload) -> Self {
        use allocation::model_config::{Coding, Payload};
        match payload {
            Payload::RawInput => Self::Raw,
            Payload::Frame(Coding::Jpeg(_)) | Payload::Input(Coding::Jpeg(_)) => Self::Jpeg,
            Payload::Frame(Coding::Png) | Payload::Input(Coding::Png) => Self::Png,
        }
    }

    /// The coding that the first bytes of a file announce; `None` for anything but JPEG and PNG.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else {
            None
        }
    }
}

/// The longest side of an image that is coded or decoded, pixels: what JPEG can say at all is 65,535.
pub const MAX_SIDE: u32 = 16_384;

/// Why an image could not be coded or decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The coded image does not fit in the slot it was to be written to.
    #[error("the coded image of {width}x{height} needs more than the {capacity_bytes} bytes of its slot")]
    TooLarge {
        /// Width of the image, pixels.
        width: u32,
        /// Height of the image, pixels.
        height: u32,
        /// Bytes the slot has.
        capacity_bytes: usize,
    },
    /// A side is zero or longer than [`MAX_SIDE`].
    #[error("an image of {width}x{height} cannot be coded: each side must be 1 to {MAX_SIDE} pixels")]
    Dimensions {
        /// Width, pixels.
        width: u32,
        /// Height, pixels.
        height: u32,
    },
    /// The bytes hold an image of another size than was announced.
    #[error("the {coding:?} image is {found:?} pixels (width, height), but {announced:?} was announced")]
    NotAsAnnounced {
        /// How it is coded.
        coding: WireCoding,
        /// Width and height in the bytes.
        found: (u32, u32),
        /// Width and height announced.
        announced: (u32, u32),
    },
    /// Raw bytes of another length than the announced size has.
    #[error("a raw image of {width}x{height} is {expected_bytes} bytes, but {bytes} came")]
    RawLength {
        /// Width announced, pixels.
        width: u32,
        /// Height announced, pixels.
        height: u32,
        /// Bytes there should be.
        expected_bytes: usize,
        /// Bytes there were.
        bytes: usize,
    },
    /// The bytes are not a whole image in that coding.
    #[error("{bytes} bytes are not a whole {coding:?} image: {reason}")]
    Broken {
        /// How they should be coded.
        coding: WireCoding,
        /// How many there were.
        bytes: usize,
        /// What the decoder said.
        reason: String,
    },
    /// The encoder failed for another reason than space.
    #[error("coding {width}x{height} as {coding:?} failed: {reason}")]
    Encoder {
        /// How it was to be coded.
        coding: WireCoding,
        /// Width, pixels.
        width: u32,
        /// Height, pixels.
        height: u32,
        /// What the encoder said.
        reason: String,
    },
    /// The frame could not be brought to the model's input.
    #[error(transparent)]
    Letterbox(#[from] LetterboxError),
}

pub(crate) const fn check_sides(width: u32, height: u32) -> Result<(), CodecError> {
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(CodecError::Dimensions { width, height });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
