//! What crosses the ring in place of a frame.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::area::Area;
use super::error::BadDescriptor;
use crate::clock::{Deadline, Monotonic};
use crate::frame::{FrameMeta, PixelFormat};

/// One lent frame, in 64 bytes: where its bytes are and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Descriptor {
    /// The slot, from 0.
    pub slot: u32,
    /// Bytes of the frame in its slot.
    pub length_bytes: u32,
    /// Number of the loan, from 1, never used twice: what the lease writes back.
    pub loan: u64,
    /// The frame's sequence number.
    pub sequence: u64,
    /// When it was captured, nanoseconds of `CLOCK_MONOTONIC`.
    pub capture_ns: u64,
    /// When the decision is due, on the same clock.
    pub deadline_ns: u64,
    /// What the camera showed.
    pub scene: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Layout of the bytes: 1 for packed 8-bit RGB.
    pub format: u16,
    /// The service it belongs to.
    pub service: u16,
    /// Zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Descriptor>() == 64);

const RGB8: u16 = 1;

impl Descriptor {
    pub(super) const fn new(meta: &FrameMeta, slot: u32, length_bytes: u32, loan: u64) -> Self {
        let format = match meta.format {
            PixelFormat::Rgb8 => RGB8,
        };
        Self {
            slot,
            length_bytes,
            loan,
            sequence: meta.seq,
            capture_ns: meta.capture.as_ns(),
            deadline_ns: meta.deadline.instant().as_ns(),
            scene: meta.scene,
            width: meta.width,
            height: meta.height,
            format,
            service: meta.service,
            reserved: 0,
        }
    }

    /// What is known of the frame, where everything in here can be true of `area`.
    pub(super) fn check(&self, area: &Area) -> Result<FrameMeta, BadDescriptor> {
        let inside = self.slot < area.slots() && self.length_bytes <= area.slot_bytes();
        let format = if self.format == RGB8 { Some(PixelFormat::Rgb8) } else { None };
        let (true, Some(format)) = (inside, format) else {
            return Err(BadDescriptor {
                pool: area.name(),
                slot: self.slot,
                slots: area.slots(),
                length_bytes: self.length_bytes,
                slot_bytes: area.slot_bytes(),
                format: self.format,
            });
        };
        Ok(FrameMeta {
            service: self.service,
            seq: self.sequence,
            capture: Monotonic::from_ns(self.capture_ns),
            deadline: Deadline::at(Monotonic::from_ns(self.deadline_ns)),
            width: self.width,
            height: self.height,
            format,
            scene: self.scene,
        })
    }
}
