//! What the two sides share: the entries, the cells, and whether a side is gone.

use crate::sync::{Arc, AtomicBool, AtomicU64, CachePadded, Ordering, UnsafeCell};

/// Low bits of an entry's word: the number of the cell that stands there. The lap is above them.
const CELL_BITS: u32 = 16;
pub(super) const MOST_CELLS: usize = 1 << CELL_BITS;

/// What one entry says: a cell's number, and the lap of the ring in which the entry was last put.
///
/// Laps wrap after 2⁴⁸, and are compared by their distance, so that a receiver which stays away for less than 2⁴⁷ laps
/// (five months of ten million puts a second into a mailbox) is not mistaken; one that stays longer would wait for newer
/// values, and still never look into a cell that is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u64);

impl Entry {
    const fn new(lap: Lap, cell: u32) -> Self {
        Self(lap.0 | cell as u64)
    }

    pub(super) const fn lap(self) -> Lap {
        Lap(self.0 & !(MOST_CELLS as u64 - 1))
    }

    pub(super) const fn cell(self) -> u32 {
        (self.0 & (MOST_CELLS as u64 - 1)) as u32
    }
}

/// A lap, at its place in an entry's word, so that it wraps where the word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lap(u64);

impl Lap {
    const ONE: u64 = MOST_CELLS as u64;

    pub(super) const fn next(self) -> Self {
        Self(self.0.wrapping_add(Self::ONE))
    }

    pub(super) const fn previous(self) -> Self {
        Self(self.0.wrapping_sub(Self::ONE))
    }

    /// Negative where `self` came before `other`, positive where after.
    pub(super) const fn since(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

/// A place in the ring's endless sequence of puts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) entry: usize,
    pub(super) lap: Lap,
}

impl Position {
    pub(super) const FIRST: Self = Self { entry: 0, lap: Lap(Lap::ONE) };

    pub(super) const fn next(self, capacity: usize) -> Self {
        if self.entry + 1 == capacity {
            Self { entry: 0, lap: self.lap.next() }
        } else {
            Self { entry: self.entry + 1, lap: self.lap }
        }
    }
}

pub(super) struct Shared<T> {
    /// Words of [`Entry`].
    entries: Box<[AtomicU64]>,
    /// Two more than there are entries. Every number of a cell is at each instant in exactly one place: an entry, the
    /// sender's spare or the receiver's.
    cells: Box<[CachePadded<UnsafeCell<Option<T>>>]>,
    /// One side was dropped.
    abandoned: AtomicBool,
}

// SAFETY: a cell is touched only by the side that holds its number; numbers change hands by atomic exchanges, which
// order all that the former owner did in the cell before all that the next one does. So a `T` is moved, never shared.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Cell `i` stands in entry `i`, put in the lap before the first; the last two cells are the sides' spares.
    pub(super) fn new(capacity: usize) -> Self {
        let before_first = Position::FIRST.lap.previous();
        Self {
            entries: (0..capacity as u32).map(|cell| AtomicU64::new(Entry::new(before_first, cell).0)).collect(),
            cells: (0..capacity + 2).map(|_| CachePadded(UnsafeCell::new(None))).collect(),
            abandoned: AtomicBool::new(false),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// The sender's exchange: `cell` stands at `position` from now on; returns the cell that stood there.
    pub(super) fn exchange(&self, position: Position, cell: u32) -> u32 {
        // Release: the value written into `cell` is there for the receiver that takes it.
        // Acquire: the receiver is done with the cell that comes back, where it was the one to leave it.
        let before = self.word(position).swap(Entry::new(position.lap, cell).0, Ordering::AcqRel);
        Entry(before).cell()
    }

    pub(super) fn look(&self, position: Position) -> Entry {
        // Relaxed: only a hint of what to exchange; nothing is read on its strength.
        Entry(self.word(position).load(Ordering::Relaxed))
    }

    /// The receiver's exchange: leaves `cell` for what was `seen` there, unless the sender put again meanwhile.
    pub(super) fn exchange_if(&self, position: Position, seen: Entry, cell: u32) -> bool {
        let left = Entry::new(position.lap, cell);
        // Acquire: the value that the sender wrote into the cell now owned is visible.
        // Release: this side is done with `cell`, which the sender will get back and write.
        self.word(position).compare_exchange(seen.0, left.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Puts `value` into the owned, empty `cell`.
    ///
    /// # Safety
    /// The calling side holds the number `cell`.
    pub(super) unsafe fn fill(&self, cell: u32, value: T) {
        // SAFETY: by the caller's promise nobody else looks into the cell meanwhile.
        self.cell(cell).with_mut(|inside| unsafe { *inside = Some(value) });
    }

    /// Takes what is in the owned `cell`.
    ///
    /// # Safety
    /// The calling side holds the number `cell`.
    pub(super) unsafe fn empty(&self, cell: u32) -> Option<T> {
        // SAFETY: by the caller's promise nobody else looks into the cell meanwhile.
        self.cell(cell).with_mut(|inside| unsafe { (*inside).take() })
    }

    fn word(&self, position: Position) -> &AtomicU64 {
        // SAFETY: positions start at entry 0 and go on by `next`, which stays below the number of entries.
        unsafe { self.entries.get_unchecked(position.entry) }
    }

    fn cell(&self, cell: u32) -> &UnsafeCell<Option<T>> {
        // SAFETY: the numbers 0 to capacity + 1 are dealt at creation and only ever exchanged.
        unsafe { self.cells.get_unchecked(cell as usize) }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        // Acquire: what the other side did before it went is visible, so that a look after this one misses nothing.
        self.abandoned.load(Ordering::Acquire)
    }

    pub(super) fn abandon(&self) {
        // Release: what this side did before it goes is visible to whoever sees that it is gone.
        self.abandoned.store(true, Ordering::Release);
    }
}

pub(super) type Handle<T> = Arc<Shared<T>>;
