//! Leases: the right to fill a slot, and the right to read one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::ring::Attachment;
use super::area::Area;
use crate::frame::FrameMeta;

/// What the owner and its write leases share.
#[derive(Debug)]
pub(super) struct Filling {
    pub(super) area: Area,
    /// Raised for a slot whose write lease was dropped and not lent.
    pub(super) dropped: Box<[AtomicBool]>,
}

/// The right to fill one slot; dropping it unlent, on any thread, gives the slot back.
#[derive(Debug)]
pub struct WriteLease {
    pub(super) filling: Arc<Filling>,
    pub(super) slot: u32,
    pub(super) lent: bool,
}

impl AsMut<[u8]> for WriteLease {
    fn as_mut(&mut self) -> &mut [u8] {
        let area = &self.filling.area;
        // SAFETY: the slot lies inside the mapping. While the write lease exists it is the only lease of its slot: the
        // owner hands out free slots alone, and honest readers touch only slots that are lent to them.
        unsafe { std::slice::from_raw_parts_mut(area.slot(self.slot).as_ptr(), area.slot_bytes() as usize) }
    }
}

impl Drop for WriteLease {
    fn drop(&mut self) {
        if let (false, Some(flag)) = (self.lent, self.filling.dropped.get(self.slot as usize)) {
            // Release: what was written happens before the slot's next use.
            flag.store(true, Ordering::Release);
        }
    }
}

/// What a reader and its leases share.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) area: Area,
    /// Which reader this is, from 0.
    pub(super) reader: usize,
    /// Nobody else becomes this reader while one of its leases lives.
    pub(super) _attachment: Arc<Attachment>,
}

/// The right to read one frame in place; dropping it, on any thread, gives the slot back to the owner's process.
///
/// The owner's process is trusted not to write a slot that it has lent, as a camera's driver is.
#[derive(Debug)]
pub struct ReadLease {
    pub(super) reading: Arc<Reading>,
    pub(super) slot: u32,
    pub(super) length_bytes: u32,
    pub(super) loan: u64,
    pub(super) meta: FrameMeta,
}

impl ReadLease {
    /// What is known of the frame.
    #[must_use]
    pub const fn meta(&self) -> FrameMeta {
        self.meta
    }
}

impl AsRef<[u8]> for ReadLease {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: slot and length were checked against the pool; the owner does not write while the slot is lent.
        unsafe { std::slice::from_raw_parts(self.reading.area.slot(self.slot).as_ptr(), self.length_bytes as usize) }
    }
}

impl Drop for ReadLease {
    fn drop(&mut self) {
        if let Some(word) = self.reading.area.returned(self.reading.reader).get(self.slot as usize) {
            // Release: the last look at the bytes happens before the owner's next use of the slot.
            word.store(self.loan, crate::sync::Ordering::Release);
        }
    }
}
