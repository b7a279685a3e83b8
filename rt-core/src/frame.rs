//! What is known of a frame wherever it goes: small, `Copy`, and carried beside the lease of its bytes.

use crate::clock::{Deadline, Monotonic};

/// How a raw frame's bytes are laid out in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Packed 8-bit red, green, blue; 3 bytes a pixel, rows without padding.
    Rgb8,
}

impl PixelFormat {
    /// Bytes of a `width` × `height` frame.
    #[must_use]
    pub const fn frame_bytes(self, width: u32, height: u32) -> usize {
        match self {
            Self::Rgb8 => width as usize * height as usize * 3,
        }
    }
}

/// Which frame: what is told about it anywhere is told under these two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId {
    /// The service (and camera) it belongs to, from 1.
    pub service: u16,
    /// Its sequence number within the service, from 0.
    pub seq: u64,
}

/// Identity, time and shape of one captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameMeta {
    /// The service (and camera) it belongs to, from 1, as the logs number them.
    pub service: u16,
    /// Sequence number per service, from 0, without gaps for captured frames.
    pub seq: u64,
    /// When the last byte was captured; the deadline's clock starts here.
    pub capture: Monotonic,
    /// When the decision is due.
    pub deadline: Deadline,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Layout of the bytes.
    pub format: PixelFormat,
    /// What the camera showed: an index that the camera can turn back into ground truth.
    pub scene: u64,
}

impl FrameMeta {
    /// Which frame it is.
    #[must_use]
    pub const fn id(&self) -> FrameId {
        FrameId { service: self.service, seq: self.seq }
    }

    /// Bytes of the raw frame in its slot.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.format.frame_bytes(self.width, self.height)
    }
}
