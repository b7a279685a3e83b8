//! Which slots are with one reader, and which of those are lost with a reader that is no more.
//!
//! A loan is with its reader from the moment its descriptor is pushed. It ends when the lease writes its number back,
//! or with the reader's process. Of a process that has died, exactly those loans are lost whose descriptors it had
//! taken from the ring: they lie before the ring's head. The others wait there for whoever attaches next. A reader
//! that attaches says where it starts, so that the owner knows even where it never saw the one before die.

use super::super::ring::{Corrupt, Producer, PushError};
use super::super::segment::Name;
use super::area::Area;
use super::descriptor::Descriptor;
use crate::process::claim::Peer;
use crate::sync::Ordering;

/// Ring positions are counts modulo this.
const POSITIONS: u32 = 1 << 31;

/// One slot with one reader.
#[derive(Clone, Copy, Debug, Default)]
struct Loan {
    /// 0 where the slot is not with the reader.
    number: u64,
    /// How many descriptors had been pushed before this one, modulo [`POSITIONS`].
    position: u32,
}

/// Everything that is with one reader.
#[derive(Debug)]
pub(super) struct Loans {
    ring: Producer<Descriptor>,
    reader: usize,
    by_slot: Box<[Loan]>,
    out: usize,
    recovered: u64,
    /// The reader's word when last looked at.
    since: u64,
    /// Set when the reader's ring turned out corrupt: it gets nothing more.
    pub(super) corrupt: Option<Corrupt>,
}

/// The word a reader leaves when it attaches: how many have, and where the ring's head stood.
pub(super) const fn since(before: u64, head: u32) -> u64 {
    ((before >> 32) + 1) << 32 | head as u64
}

impl Loans {
    pub(super) fn new(ring: Producer<Descriptor>, reader: usize, area: &Area) -> Self {
        let slots = vec![Loan::default(); area.slots() as usize];
        let since = area.control().since.get(reader).map_or(0, |word| word.load(Ordering::Acquire));
        Self { ring, reader, by_slot: slots.into(), out: 0, recovered: 0, since, corrupt: None }
    }

    /// Lends a slot, where not as many are out as may be.
    pub(super) fn lend(&mut self, descriptor: &Descriptor, area: &Area) -> bool {
        if self.out >= self.ring.capacity() {
            // What has come home, or was lost with a reader that has been replaced, no longer counts.
            self.end_replaced(area);
            (0..self.by_slot.len()).for_each(|slot| {
                self.is_out(slot, area);
            });
        }
        if self.corrupt.is_some() || self.out >= self.ring.capacity() {
            return false;
        }
        let (position, _) = self.ring.counts();
        match self.ring.push(descriptor) {
            Ok(()) => {
                if let Some(loan) = self.by_slot.get_mut(descriptor.slot as usize) {
                    *loan = Loan { number: descriptor.loan, position };
                    self.out += 1;
                }
                true
            }
            Err(PushError::Full { .. }) => false,
            Err(PushError::Corrupt(corrupt)) => {
                self.corrupt = Some(corrupt);
                false
            }
        }
    }

    /// Whether slot `slot` is with the reader, after looking whether it has come back.
    pub(super) fn is_out(&mut self, slot: usize, area: &Area) -> bool {
        let Some(loan) = self.by_slot.get_mut(slot).filter(|loan| loan.number != 0) else { return false };
        let home = |word: &crate::sync::AtomicU64| word.load(Ordering::Acquire) == loan.number;
        if area.returned(self.reader).get(slot).is_some_and(home) {
            *loan = Loan::default();
            self.out -= 1;
        }
        loan.number != 0
    }

    /// Ends the loans that are lost with a reader that has died or was replaced; says how many.
    pub(super) fn recover(&mut self, area: &Area) -> usize {
        let replaced = self.end_replaced(area);
        // The head first: if its mover is dead now and nobody has come since, then it is where the dead one left it.
        let (_, head) = self.ring.counts();
        match self.ring.peer() {
            Peer::Died(..) => replaced + self.end_before(head),
            _ => replaced,
        }
    }

    fn end_replaced(&mut self, area: &Area) -> usize {
        let attached = area.control().since.get(self.reader).map_or(0, |word| word.load(Ordering::Acquire));
        if attached == self.since {
            return 0;
        }
        self.since = attached;
        self.end_before((attached & u64::from(u32::MAX)) as u32)
    }

    /// Ends the loans that were taken from the ring before its head stood at `head`.
    fn end_before(&mut self, head: u32) -> usize {
        let (tail, _) = self.ring.counts();
        let unread = tail.wrapping_sub(head) % POSITIONS;
        let mut ended = 0;
        for loan in self.by_slot.iter_mut().filter(|loan| loan.number != 0) {
            if loan.position.wrapping_sub(head) % POSITIONS >= unread {
                *loan = Loan::default();
                ended += 1;
            }
        }
        self.out -= ended;
        self.recovered += ended as u64;
        ended
    }

    /// Slots that are with the reader, as far as is known.
    pub(super) const fn out(&self) -> usize {
        self.out
    }

    /// Loans that ended because the reader was gone.
    pub(super) const fn recovered(&self) -> u64 {
        self.recovered
    }

    pub(super) fn peer(&mut self) -> Peer {
        self.ring.peer()
    }

    /// The reader's ring.
    pub(super) const fn name(&self) -> Name {
        self.ring.name()
    }
}
