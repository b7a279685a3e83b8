//! A reader's side: takes descriptors from its ring and reads the frames where they lie.

use std::sync::Arc;

use super::super::claim::Peer;
use super::super::ring::{Consumer, Pace};
use super::super::segment::Segment;
use super::area::{Area, reader_rings};
use super::descriptor::Descriptor;
use super::error::{FramesError, ReadError};
use super::lease::{ReadLease, Reading};
use super::{loans, ring_name};
use crate::clock::Monotonic;
use crate::sync::Ordering;

/// One reader of a pool: a thread of a process that the owner lends frames to.
#[derive(Debug)]
pub struct Reader {
    reading: Arc<Reading>,
    ring: Consumer<Descriptor>,
}

impl Reader {
    /// Becomes the reader `reader` of the pool `name`: the first to ask does, and after one whose process has died, or
    /// which was dropped with all its leases, the next. Frames lent but not taken by the one before wait for this one.
    ///
    /// # Errors
    /// [`FramesError`]: no such pool or reader, or the reader is there already (which process).
    pub fn attach(segment: &Segment, name: &str, reader: &str) -> Result<Self, FramesError> {
        let (area, _) = Area::of(segment, name)?;
        let wanted = ring_name(name, reader);
        let rings = || reader_rings(segment, area.name());
        let missing =
            || FramesError::NoSuchReader { pool: area.name(), reader: reader.into(), readers: rings().count() };
        let index = rings().position(|ring| ring.as_str() == wanted).ok_or_else(missing)?;
        let since = area.control().since.get(index).ok_or_else(missing)?;
        let ring = Consumer::attach(segment, &wanted)?;
        // Before anything is taken: from here on, what lies before the head is no reader's any more. Release: after the
        // reader before had ended, which taking its place has seen.
        since.store(loans::since(since.load(Ordering::Relaxed), ring.count()), Ordering::Release);
        let attachment = ring.attachment();
        Ok(Self { reading: Arc::new(Reading { area, reader: index, _attachment: attachment }), ring })
    }

    /// The oldest frame lent, if there is one. Never waits.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] and [`ReadError::Bad`] where the owner cannot be trusted.
    #[allow(clippy::should_implement_trait, reason = "an iterator would end at the first moment without a frame")]
    pub fn next(&mut self) -> Result<Option<ReadLease>, ReadError> {
        self.ring.pop()?.map(|descriptor| self.lease(&descriptor)).transpose()
    }

    /// The newest frame lent, if there is one; those before it go home unread.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn newest(&mut self) -> Result<Option<ReadLease>, ReadError> {
        let mut newest = None;
        while let Some(lease) = self.next()? {
            newest = Some(lease);
        }
        Ok(newest)
    }

    /// As [`Reader::next`], but waits for a frame until `until`.
    ///
    /// # Errors
    /// [`ReadError`]: also timed out, or the owner has died or left and every frame it lent has been taken.
    pub fn next_until(&mut self, until: Monotonic) -> Result<ReadLease, ReadError> {
        let descriptor = self.ring.pop_until(until)?;
        self.lease(&descriptor)
    }

    /// How the owner is: at most one system call.
    pub fn owner(&mut self) -> Peer {
        self.ring.peer()
    }

    /// How this reader waits from now on.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.ring.set_pace(pace);
    }

    fn lease(&self, descriptor: &Descriptor) -> Result<ReadLease, ReadError> {
        let meta = descriptor.check(&self.reading.area)?;
        Ok(ReadLease {
            reading: Arc::clone(&self.reading),
            slot: descriptor.slot,
            length_bytes: descriptor.length_bytes,
            loan: descriptor.loan,
            meta,
        })
    }
}
