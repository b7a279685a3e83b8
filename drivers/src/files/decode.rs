//! JPEG and PNG bytes to packed RGB8; whatever the bytes are, the answer is an image or an error.

use std::io::{Cursor, ErrorKind};

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::error::ImageError;

/// The most pixels on a side; above it is no camera but a panorama, or a bomb.
pub const MAX_DIMENSION: u32 = 8192;

const JPEG: &str = "JPEG";
const PNG: &str = "PNG";

/// A decoded photograph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green and blue of every pixel, 8 bits each, row by row without padding: `3 × width × height` bytes.
    pub rgb: Vec<u8>,
}

enum Format {
    Jpeg,
    Png,
}

/// Decodes a JPEG (baseline, progressive) or PNG image, told apart by their first bytes and not by a file's name. Grey
/// becomes RGB, 16 bits become 8, of an animation the first picture counts, transparency is passed over; an EXIF
/// orientation is not applied, as labels are drawn on the pixels as stored.
///
/// # Errors
/// Where the bytes are neither, cut short, damaged, or of an image with more than [`MAX_DIMENSION`] pixels a side.
///
/// ```
/// use drivers::files::{ImageError, decode};
/// assert!(matches!(decode(b"GIF89a"), Err(ImageError::Format { .. })));
/// ```
pub fn decode(coded: &[u8]) -> Result<Image, ImageError> {
    match format(coded)? {
        Format::Jpeg => jpeg(coded),
        Format::Png => png(coded),
    }
}

/// Width and height from the headers alone, so that memory can be counted before it is taken.
pub(super) fn dimensions(coded: &[u8]) -> Result<(u32, u32), ImageError> {
    match format(coded)? {
        Format::Jpeg => jpeg_headers(coded).map(|(_, width, height)| (width, height)),
        Format::Png => {
            let mut decoder = png::Decoder::new(Cursor::new(coded));
            let info = decoder.read_header_info().map_err(|error| png_fault(coded, &error))?;
            bounded(info.width as usize, info.height as usize)
        }
    }
}

fn format(coded: &[u8]) -> Result<Format, ImageError> {
    if coded.starts_with(&[0xff, 0xd8, 0xff]) {
        Ok(Format::Jpeg)
    } else if coded.starts_with(&[0x89, b'P', b'N', b'G']) {
        Ok(Format::Png)
    } else {
        Err(ImageError::Format { first: coded.iter().copied().take(4).collect() })
    }
}

fn bounded(width: usize, height: usize) -> Result<(u32, u32), ImageError> {
    let fits = |side: usize| u32::try_from(side).ok().filter(|side| (1..=MAX_DIMENSION).contains(side));
    let too_large = ImageError::TooLarge { width, height, most: MAX_DIMENSION as usize };
    fits(width).zip(fits(height)).ok_or(too_large)
}

type Jpeg<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

fn jpeg_headers(coded: &[u8]) -> Result<(Jpeg<'_>, u32, u32), ImageError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(coded), options);
    decoder.decode_headers().map_err(|error| jpeg_fault(coded, &error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = bounded(width, height)?;
    Ok((decoder, width, height))
}

fn jpeg(coded: &[u8]) -> Result<Image, ImageError> {
    let (mut decoder, width, height) = jpeg_headers(coded)?;
    if !jpeg_is_complete(coded) {
        let reason = "the end-of-image marker is missing".to_owned();
        return Err(ImageError::Truncated { format: JPEG, bytes: coded.len(), reason });
    }
    let mut rgb = vec![0; width as usize * height as usize * 3];
    decoder.decode_into(&mut rgb).map_err(|error| jpeg_fault(coded, &error))?;
    Ok(Image { width, height, rgb })
}

fn jpeg_fault(coded: &[u8], error: &DecodeErrors) -> ImageError {
    let reason = error.to_string();
    if jpeg_is_complete(coded) {
        ImageError::Damaged { format: JPEG, reason }
    } else {
        ImageError::Truncated { format: JPEG, bytes: coded.len(), reason }
    }
}

/// Whether the end-of-image marker is there (ITU-T T.81, B.1.1): the decoder would fill a missing rest with grey.
/// Segments are passed over by their length, or a thumbnail's end within one would count.
fn jpeg_is_complete(coded: &[u8]) -> bool {
    let mut rest = coded.get(2..).unwrap_or_default();
    loop {
        let Some(marker_at) = rest.windows(2).position(|pair| matches!(pair, [0xff, code] if !in_scan(*code))) else {
            return false;
        };
        let Some([_, code, after @ ..]) = rest.get(marker_at..) else { return false };
        if *code == 0xd9 {
            return true;
        }
        let [high, low, ..] = after else { return false };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(next) = after.get(length..) else { return false };
        rest = next;
    }
}

/// Second bytes that follow 0xff within coded data: stuffing, restarts, fill, and the two markers without a length.
const fn in_scan(code: u8) -> bool {
    matches!(code, 0x00 | 0x01 | 0xd0..=0xd8 | 0xff)
}

fn png(coded: &[u8]) -> Result<Image, ImageError> {
    let mut decoder = png::Decoder::new(Cursor::new(coded));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let fault = |error: png::DecodingError| png_fault(coded, &error);
    let header = decoder.read_header_info().map_err(fault)?;
    let (width, height) = bounded(header.width as usize, header.height as usize)?;
    let mut reader = decoder.read_info().map_err(fault)?;
    let limits = || png_fault(coded, &png::DecodingError::LimitsExceeded);
    let mut samples = vec![0; reader.output_buffer_size().ok_or_else(limits)?];
    let frame = reader.next_frame(&mut samples).map_err(fault)?;
    // Only the whole file counts as whole: the checksum of the last chunk stands behind the pixels.
    reader.finish().map_err(fault)?;
    let channels = frame.color_type.samples();
    let rgb = match channels {
        3 => samples,
        1 | 2 => samples.chunks_exact(channels).flat_map(|pixel| [pixel.first().copied().unwrap_or(0); 3]).collect(),
        _ => samples.chunks_exact(channels).flat_map(|pixel| pixel.iter().copied().take(3)).collect(),
    };
    if (frame.width, frame.height) != (width, height) || rgb.len() != width as usize * height as usize * 3 {
        let reason = format!("its first picture is {} × {}, not {width} × {height}", frame.width, frame.height);
        return Err(ImageError::Damaged { format: PNG, reason });
    }
    Ok(Image { width, height, rgb })
}

fn png_fault(coded: &[u8], error: &png::DecodingError) -> ImageError {
    let reason = error.to_string();
    match error {
        png::DecodingError::IoError(io) if io.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated { format: PNG, bytes: coded.len(), reason }
        }
        _ => ImageError::Damaged { format: PNG, reason },
    }
}
