//! Decodes images from bytes that nobody vouches for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{CodecError, MAX_SIDE, WireCoding, check_sides};
use crate::image::rgb_bytes;

/// Decodes images of an announced size to packed RGB.
///
/// The size is checked before anything of that size is allocated, and a decoder that panics on bytes made to do so is
/// an error like any other.
#[derive(Default)]
pub struct ImageDecoder {
    /// Pixels of a PNG that is not plain RGB, before they become so.
    unpacked: Vec<u8>,
}

impl ImageDecoder {
    /// A decoder with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes `bytes`, an image announced as `width` × `height` pixels, into `out` (resized to 3 × width × height
    /// bytes of packed RGB), and returns the size. What `out` holds after an error is of no meaning.
    ///
    /// # Errors
    /// [`CodecError::Broken`] for truncated or other bytes than a whole image, [`CodecError::NotAsAnnounced`] and
    /// [`CodecError::RawLength`] where the size differs, [`CodecError::Dimensions`] where it is beyond all limits.
    ///
    /// ```
    /// use inference::codec::{CodecError, ImageDecoder, WireCoding};
    /// let mut pixels = Vec::new();
    /// let mut decoder = ImageDecoder::new();
    /// assert_eq!(decoder.decode(WireCoding::Raw, &[1, 2, 3], 1, 1, &mut pixels), Ok((1, 1)));
    /// assert!(matches!(decoder.decode(WireCoding::Jpeg, b"no", 1, 1, &mut pixels), Err(CodecError::Broken { .. })));
    /// ```
    pub fn decode(
        &mut self,
        coding: WireCoding,
        bytes: &[u8],
        width: u32,
        height: u32,
        out: &mut Vec<u8>,
    ) -> Result<(u32, u32), CodecError> {
        check_sides(width, height)?;
        let expected_bytes = rgb_bytes(width, height).ok_or(CodecError::Dimensions { width, height })?;
        match coding {
            WireCoding::Raw => {
                if bytes.len() != expected_bytes {
                    return Err(CodecError::RawLength { width, height, expected_bytes, bytes: bytes.len() });
                }
                out.clear();
                out.extend_from_slice(bytes);
                Ok((width, height))
            }
            WireCoding::Jpeg => guarded(coding, bytes, || jpeg(bytes, (width, height), expected_bytes, out)),
            WireCoding::Png => guarded(coding, bytes, || self.png(bytes, (width, height), expected_bytes, out)),
        }
    }

    /// The size, width and height, that the header of a JPEG or PNG announces; nothing of that size is allocated.
    ///
    /// # Errors
    /// [`CodecError::Broken`] where there is no such header (raw pixels have none).
    pub fn size(coding: WireCoding, bytes: &[u8]) -> Result<(u32, u32), CodecError> {
        guarded(coding, bytes, || match coding {
            WireCoding::Raw => Err(broken(coding, bytes, "raw pixels do not say their size")),
            WireCoding::Jpeg => jpeg_header(bytes, (MAX_SIDE, MAX_SIDE)).map(|(_, size)| size),
            WireCoding::Png => {
                let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
                let info = decoder.read_header_info().map_err(|error| broken(coding, bytes, error))?;
                Ok(info.size())
            }
        })
    }

    fn png(
        &mut self,
        bytes: &[u8],
        announced: (u32, u32),
        expected_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<(u32, u32), CodecError> {
        let coding = WireCoding::Png;
        let failed = |error: png::DecodingError| broken(coding, bytes, error);
        // Four channels of 8 bits and the rows the decoder works in.
        let limits = png::Limits { bytes: expected_bytes.saturating_mul(2).saturating_add(1 << 20) };
        let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let found = decoder.read_header_info().map_err(failed)?.size();
        if found != announced {
            return Err(CodecError::NotAsAnnounced { coding, found, announced });
        }
        let mut reader = decoder.read_info().map_err(failed)?;
        let channels = reader.output_color_type().0.samples();
        let pixels = if channels == 3 { &mut *out } else { &mut self.unpacked };
        let samples = expected_bytes / 3 * channels;
        if reader.output_buffer_size() != Some(samples) {
            return Err(broken(coding, bytes, format_args!("its pixels are not {samples} bytes")));
        }
        pixels.resize(samples, 0);
        reader.next_frame(pixels).map_err(failed)?;
        reader.finish().map_err(failed)?;
        if channels != 3 {
            out.clear();
            match channels {
                4 => out.extend(self.unpacked.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b])),
                2 => out.extend(self.unpacked.as_chunks::<2>().0.iter().flat_map(|[v, _]| [*v; 3])),
                _ => out.extend(self.unpacked.iter().flat_map(|v| [*v; 3])),
            }
        }
        Ok(found)
    }
}

fn broken(coding: WireCoding, bytes: &[u8], reason: impl std::fmt::Display) -> CodecError {
    CodecError::Broken { coding, bytes: bytes.len(), reason: reason.to_string() }
}

fn guarded<T>(
    coding: WireCoding,
    bytes: &[u8],
    decode: impl FnOnce() -> Result<T, CodecError>,
) -> Result<T, CodecError> {
    // Nothing half-done survives: every decoder is made anew, and the buffers' contents are of no meaning on error.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(broken(coding, bytes, "the decoder panicked")))
}

type Jpeg<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

fn jpeg_header(bytes: &[u8], limit: (u32, u32)) -> Result<(Jpeg<'_>, (u32, u32)), CodecError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(limit.0 as usize)
        .set_max_height(limit.1 as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| broken(WireCoding::Jpeg, bytes, error))?;
    let info = decoder.info().ok_or_else(|| broken(WireCoding::Jpeg, bytes, "no frame header"))?;
    Ok((decoder, (u32::from(info.width), u32::from(info.height))))
}

fn jpeg(
    bytes: &[u8],
    announced: (u32, u32),
    expected_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(u32, u32), CodecError> {
    let coding = WireCoding::Jpeg;
    // The decoder is content with an image whose last few bytes are missing; whoever sent it was not done.
    if !bytes.ends_with(&[0xff, 0xd9]) {
        return Err(broken(coding, bytes, "it does not end with an end-of-image marker"));
    }
    let (mut decoder, found) = jpeg_header(bytes, (MAX_SIDE, MAX_SIDE))?;
    if found != announced {
        return Err(CodecError::NotAsAnnounced { coding, found, announced });
    }
    if decoder.output_buffer_size() != Some(expected_bytes) {
        return Err(broken(coding, bytes, "its colours cannot be made RGB"));
    }
    out.resize(expected_bytes, 0);
    decoder.decode_into(out).map_err(|error| broken(coding, bytes, error))?;
    Ok(found)
}
