//! A checked view of somebody else's pixels, so that nothing behind it needs to check again.

/// Packed 8-bit RGB, rows without padding, borrowed.
///
/// ```
/// use inference::image::RgbView;
/// let pixels = [0_u8; 4 * 2 * 3];
/// let view = RgbView::new(&pixels, 4, 2)?;
/// assert_eq!((view.width(), view.height(), view.row_bytes()), (4, 2, 12));
/// assert!(RgbView::new(&pixels, 4, 3).is_err());
/// # Ok::<(), inference::image::ImageSizeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RgbView<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
}

/// A buffer whose length is not that of the image it is said to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an RGB image of {width}x{height} is {expected_bytes} bytes and not empty, but the buffer holds {bytes}")]
pub struct ImageSizeError {
    /// Width that was announced, pixels.
    pub width: u32,
    /// Height that was announced, pixels.
    pub height: u32,
    /// Bytes such an image has.
    pub expected_bytes: u64,
    /// Bytes there were.
    pub bytes: usize,
}

/// Bytes of a packed RGB image of `width` × `height`; `None` where that overflows or is nothing.
#[must_use]
pub const fn rgb_bytes(width: u32, height: u32) -> Option<usize> {
    match (width as usize).checked_mul(height as usize) {
        None | Some(0) => None,
        Some(pixels) => pixels.checked_mul(3),
    }
}

impl<'a> RgbView<'a> {
    /// A view of exactly `3 × width × height` bytes.
    ///
    /// # Errors
    /// Where `data` has another length, or the image has no pixel.
    pub fn new(data: &'a [u8], width: u32, height: u32) -> Result<Self, ImageSizeError> {
        if rgb_bytes(width, height) == Some(data.len()) {
            return Ok(Self { data, width, height });
        }
        let expected_bytes = (u64::from(width) * u64::from(height)).saturating_mul(3);
        Err(ImageSizeError { width, height, expected_bytes, bytes: data.len() })
    }

    /// The pixels, row after row.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.width as usize * 3
    }
}
