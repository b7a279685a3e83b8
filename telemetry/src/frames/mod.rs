//! Raw frames beside log type 2: which ones are kept, and how they get to the disk without a camera noticing.
//!
//! The capture thread shares a frame's slot out to one reader more; nothing is copied. Slots so lent are a fixed few on
//! top of the pool's own, so a disk that stands still costs frames their files and no camera a slot. A thread that is
//! not real-time, beside the collector's, writes the bytes; every frame that was to be kept and is not is counted.

mod contexts;
mod saver;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rt_core::memory::pool::ReadLease;

pub(crate) use contexts::CameraContexts;

/// Slots of one camera that frames on their way to the disk may hold. The camera's pool wants as many more.
pub const SLOTS: usize = 4;

/// Which frames are kept, by their sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveFrames {
    /// Every frame.
    All,
    /// Every n-th, the first one included.
    Every(NonZeroU32),
    /// None.
    #[default]
    None,
}

impl SaveFrames {
    fn wants(self, seq: u64) -> bool {
        match self {
            Self::All => true,
            Self::Every(n) => seq.is_multiple_of(u64::from(n.get())),
            Self::None => false,
        }
    }
}

/// The capture thread's side: says for each frame whether one reader more is to be made for it.
#[derive(Debug)]
pub struct FrameSampler {
    keep: SaveFrames,
    lent: Arc<AtomicUsize>,
}

/// What a frame's record says about keeping it.
#[derive(Debug, Default)]
pub enum Saving {
    /// It is not to be kept.
    #[default]
    Unwanted,
    /// It was to be kept, but too many are still on their way to the disk.
    NoRoom,
    /// Here it is.
    Frame(FrameToSave),
}

/// The right to one of the few slots; given back when it is dropped.
#[derive(Debug)]
pub struct SaveSlot(Arc<AtomicUsize>);

impl Drop for SaveSlot {
    fn drop(&mut self) {
        // Ordered after the lease's end, which whoever takes the place must see.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// A frame's bytes on their way to the disk.
pub struct FrameToSave {
    /// Dropped first: its slot is on its way home by the time another may be lent.
    lease: ReadLease,
    _slot: SaveSlot,
}

impl std::fmt::Debug for FrameToSave {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameToSave({} bytes)", self.lease.as_ref().len())
    }
}

impl FrameToSave {
    /// The frame behind `lease`.
    #[must_use]
    pub const fn new(lease: ReadLease, slot: SaveSlot) -> Self {
        Self { lease, _slot: slot }
    }
}

impl FrameSampler {
    /// A sampler for one camera.
    #[must_use]
    pub fn new(keep: SaveFrames) -> Self {
        Self { keep, lent: Arc::default() }
    }

    /// Slots that the camera's pool needs beyond its own.
    #[must_use]
    pub fn extra_slots(&self) -> usize {
        if self.keep == SaveFrames::None { 0 } else { SLOTS }
    }

    /// The right to lend frame `seq`'s slot, or that it has to go without.
    ///
    /// ```
    /// use telemetry::frames::{FrameSampler, SLOTS, SaveFrames, Saving};
    /// let sampler = FrameSampler::new(SaveFrames::All);
    /// let lent: Vec<_> = (0..SLOTS as u64).map(|seq| sampler.sample(seq)).collect();
    /// assert!(lent.iter().all(Result::is_ok));
    /// assert!(matches!(sampler.sample(9), Err(Saving::NoRoom)));
    /// drop(lent);
    /// assert!(sampler.sample(10).is_ok());
    /// ```
    ///
    /// # Errors
    /// What the frame's record has to say instead.
    pub fn sample(&self, seq: u64) -> Result<SaveSlot, Saving> {
        if !self.keep.wants(seq) {
            return Err(Saving::Unwanted);
        }
        // One thread only raises it, so what is seen can only have become less.
        if self.lent.load(Ordering::Acquire) >= SLOTS {
            return Err(Saving::NoRoom);
        }
        self.lent.fetch_add(1, Ordering::Relaxed);
        Ok(SaveSlot(Arc::clone(&self.lent)))
    }
}

/// What became of the frames that were to be kept; no number ever falls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameHealth {
    /// Written whole.
    pub saved: u64,
    /// Not written: the disk was too slow for them.
    pub no_room: u64,
    /// Not written: the file system refused.
    pub failed: u64,
    /// Its last words.
    pub last_error: Option<String>,
}

impl FrameHealth {
    /// Frames that were to be kept and are not.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.no_room + self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_frame_begins_with_the_first() {
        let every = |n| SaveFrames::Every(NonZeroU32::new(n).expect("not zero"));
        let wanted = |keep: SaveFrames| (0..10).filter(|&seq| keep.wants(seq)).collect::<Vec<u64>>();
        assert_eq!(wanted(every(4)), [0, 4, 8]);
        assert_eq!(wanted(every(1)), wanted(SaveFrames::All));
        assert!(wanted(SaveFrames::None).is_empty());
    }
}
