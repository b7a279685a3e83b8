//! The owner's side: hands out slots to fill, lends them to the readers, and takes them home.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::claim::{Held, Peer, Role};
use super::super::ring::{Corrupt, Producer};
use super::super::segment::{Name, Segment};
use super::area::{Area, reader_rings};
use super::descriptor::Descriptor;
use super::error::{FramesError, LendError};
use super::lease::{Filling, WriteLease};
use super::loans::Loans;
use super::{MOST_READERS, ring_name};
use crate::clock::Monotonic;
use crate::frame::FrameMeta;

/// How often an exhausted pool looks whether a reader has died: a system call each.
const LOOK: Duration = Duration::from_millis(5);

/// To whom a frame went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lent {
    /// Readers that got it; with none, the slot is free again.
    pub readers: usize,
    /// Readers that did not: they hold as many frames as they may, or their ring is corrupt.
    pub refused: usize,
}

/// Where a slot is, as far as the owner has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the free list.
    Free,
    /// With a write lease.
    Filling,
    /// With readers.
    Lent,
}

/// The one owner of a pool. Everything is done on its thread; nothing waits.
#[derive(Debug)]
pub struct Owner {
    filling: Arc<Filling>,
    held: Held,
    readers: Vec<Loans>,
    free: Vec<u32>,
    places: Box<[Place]>,
    loan: u64,
    looked: Monotonic,
}

impl Owner {
    /// Becomes the owner of the pool `name`, once for ever: what a former owner lent, only that one knew.
    ///
    /// # Errors
    /// [`FramesError`]: no such pool, it has or had an owner, or a reader's ring cannot be attached.
    pub fn attach(segment: &Segment, name: &str) -> Result<Self, FramesError> {
        let (area, own) = Area::of(segment, name)?;
        let pool = area.name();
        let held = area.control().owner.take(own, pool, Role::Owner)?;
        if held.taken_over || area.control().owner.generation() > 1 {
            area.control().owner.release(&held);
            return Err(FramesError::HadOwner { pool });
        }
        let slots = area.slots();
        let rings: Vec<Name> = reader_rings(segment, pool).collect();
        if rings.is_empty() || rings.len() > MOST_READERS {
            return Err(FramesError::Readers { pool, found: rings.len() });
        }
        let attach = |(index, ring): (usize, &Name)| {
            Ok::<_, FramesError>(Loans::new(Producer::attach(segment, ring.as_str())?, index, &area))
        };
        let readers = rings.iter().enumerate().map(attach).collect::<Result<_, _>>()?;
        let dropped = (0..slots).map(|_| AtomicBool::new(false)).collect();
        Ok(Self {
            filling: Arc::new(Filling { area, dropped }),
            held,
            readers,
            free: (0..slots).rev().collect(),
            places: vec![Place::Free; slots as usize].into(),
            loan: 0,
            looked: Monotonic::ZERO,
        })
    }

    /// A free slot to fill; `None` when every slot is filled or lent. Never waits; an exhausted pool looks now and
    /// then, by one system call, whether a reader has died with slots.
    pub fn acquire(&mut self) -> Option<WriteLease> {
        if self.free.is_empty() {
            self.gather();
        }
        if self.free.is_empty() && Monotonic::now() >= self.looked.plus(LOOK) {
            self.recover();
        }
        let slot = self.free.pop()?;
        *self.places.get_mut(slot as usize)? = Place::Filling;
        Some(WriteLease { filling: Arc::clone(&self.filling), slot, lent: false })
    }

    /// Lends the first `length_bytes` of a filled slot to every reader that may still hold one more. No byte of the
    /// frame is copied.
    ///
    /// # Errors
    /// [`LendError`] for more bytes than a slot has, and for another pool's lease; the slot is free again.
    pub fn lend(&mut self, mut lease: WriteLease, meta: &FrameMeta, length_bytes: usize) -> Result<Lent, LendError> {
        let (pool, slot_bytes) = (self.filling.area.name(), self.filling.area.slot_bytes());
        if !Arc::ptr_eq(&lease.filling, &self.filling) {
            return Err(LendError::OtherPool { pool, other: lease.filling.area.name() });
        }
        let Some(length_bytes) = u32::try_from(length_bytes).ok().filter(|&length| length <= slot_bytes) else {
            return Err(LendError::TooLong { pool, length_bytes, slot_bytes });
        };
        self.loan += 1;
        let descriptor = Descriptor::new(meta, lease.slot, length_bytes, self.loan);
        let mut lent = Lent::default();
        for reader in &mut self.readers {
            if reader.lend(&descriptor, &self.filling.area) {
                lent.readers += 1;
            } else {
                lent.refused += 1;
            }
        }
        if let (true, Some(place)) = (lent.readers > 0, self.places.get_mut(lease.slot as usize)) {
            lease.lent = true;
            *place = Place::Lent;
        }
        Ok(lent)
    }

    /// Takes back what readers held that have died or were replaced; says how many loans that were. One system call
    /// for each reader that runs.
    pub fn recover(&mut self) -> usize {
        self.looked = Monotonic::now();
        let area = &self.filling.area;
        let lost = self.readers.iter_mut().map(|reader| reader.recover(area)).sum();
        self.gather();
        lost
    }

    /// Slots that are free now.
    pub fn free_slots(&mut self) -> usize {
        self.gather();
        self.free.len()
    }

    /// Slots that are with reader `reader` (from 0, in the order of [`super::parts`]): lent and not yet seen to be
    /// back.
    #[must_use]
    pub fn with_reader(&self, reader: usize) -> usize {
        self.readers.get(reader).map_or(0, Loans::out)
    }

    /// How reader `reader` is; `None` where there is no such reader.
    pub fn reader(&mut self, reader: usize) -> Option<Peer> {
        self.readers.get_mut(reader).map(Loans::peer)
    }

    /// What was wrong with the ring of reader `reader`, where it turned out corrupt.
    #[must_use]
    pub fn corrupt(&self, reader: usize) -> Option<Corrupt> {
        self.readers.get(reader)?.corrupt
    }

    /// The index of the reader called `reader`.
    #[must_use]
    pub fn reader_index(&self, reader: &str) -> Option<usize> {
        let wanted = ring_name(self.name().as_str(), reader);
        self.readers.iter().position(|loans| loans.name().as_str() == wanted)
    }

    /// Loans taken back from dead readers so far.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.readers.iter().map(Loans::recovered).sum()
    }

    /// Bytes of one slot.
    #[must_use]
    pub fn slot_bytes(&self) -> usize {
        self.filling.area.slot_bytes() as usize
    }

    /// The pool's name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.filling.area.name()
    }

    /// Takes home every slot that is with nobody any more. `free` has room for all: it never reallocates.
    fn gather(&mut self) {
        let Self { filling, readers, free, places, .. } = self;
        for (slot, (place, dropped)) in places.iter_mut().zip(&filling.dropped).enumerate() {
            let home = match place {
                Place::Free => false,
                Place::Filling => dropped.swap(false, Ordering::Acquire),
                Place::Lent => readers.iter_mut().all(|reader| !reader.is_out(slot, &filling.area)),
            };
            if home {
                *place = Place::Free;
                free.push(slot as u32);
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.filling.area.control().owner.release(&self.held);
    }
}
