//! What the writer and the readers share: the word that says which cell is the newest, and the cells.

use crate::sync::{Arc, AtomicBool, AtomicU32, AtomicU64, CachePadded, Ordering, UnsafeCell};

/// The newest cell's number, and how many readers entered it since it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) cell: u32,
    pub(super) entered: u32,
}

impl Newest {
    const fn from_word(word: u64) -> Self {
        Self { cell: (word >> 32) as u32, entered: word as u32 }
    }

    const fn word(self) -> u64 {
        (self.cell as u64) << 32 | self.entered as u64
    }
}

/// A value and which version of it this is.
pub(super) struct Versioned<T> {
    pub(super) version: u64,
    pub(super) value: T,
}

struct Cell<T> {
    /// How many readers have left this cell since it was made, wrapping.
    left: AtomicU32,
    inside: UnsafeCell<Versioned<T>>,
}

pub(super) struct Shared<T> {
    /// A word of [`Newest`]. The count cannot run into the cell's number: a reader enters a published cell at most once.
    newest: CachePadded<AtomicU64>,
    cells: Box<[CachePadded<Cell<T>>]>,
    /// The writer was dropped.
    abandoned: AtomicBool,
}

// SAFETY: the writer alone writes into a cell, while no reader is in it (it is not the newest, and all that entered have
// left); readers only read. So a `T` is shared between threads (`Sync`), and made and dropped by different ones (`Send`).
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Number of the cell that is the newest at first.
    pub(super) const FIRST: u32 = 0;

    /// All readers are in the first cell.
    pub(super) fn new(readers: usize, mut make: impl FnMut() -> T) -> Self {
        let mut cell = || {
            let inside = UnsafeCell::new(Versioned { version: 0, value: make() });
            CachePadded(Cell { left: AtomicU32::new(0), inside })
        };
        let newest = Newest { cell: Self::FIRST, entered: readers as u32 };
        Self {
            newest: CachePadded(AtomicU64::new(newest.word())),
            cells: (0..readers + 2).map(|_| cell()).collect(),
            abandoned: AtomicBool::new(false),
        }
    }

    /// Number of the newest cell.
    pub(super) fn newest_cell(&self) -> u32 {
        // Relaxed: compared with the cell that the reader is in, whose value it has seen since it entered; another
        // number is only a reason to enter.
        Newest::from_word(self.newest.load(Ordering::Relaxed)).cell
    }

    /// Counts a reader into the newest cell and returns its number.
    pub(super) fn enter(&self) -> u32 {
        // Acquire: the value that the writer published with this word is visible. (Readers that entered in between only
        // added to the word, so this still reads from the writer's release.)
        // Release: whoever sees this reader counted in here also sees that it has left every cell before; else the
        // writer could see it in two cells and find none free.
        Newest::from_word(self.newest.fetch_add(1, Ordering::AcqRel)).cell
    }

    /// Counts a reader out of `cell`.
    pub(super) fn leave(&self, cell: u32) {
        // Release: all that the reader looked at happened before the writer, which acquires the count, writes again.
        self.cell(cell).left.fetch_add(1, Ordering::Release);
    }

    /// How many readers have left `cell`, wrapping.
    pub(super) fn left(&self, cell: u32) -> u32 {
        // Acquire: pairs with the release in `leave`.
        self.cell(cell).left.load(Ordering::Acquire)
    }

    /// Makes `cell` the newest, with nobody in it; returns the one that was.
    pub(super) fn publish(&self, cell: u32) -> Newest {
        // Release: the value in `cell` is visible to the readers that enter it.
        // Acquire: of the readers counted in, it is visible that they have left the cells they were in before.
        Newest::from_word(self.newest.swap(Newest { cell, entered: 0 }.word(), Ordering::AcqRel))
    }

    pub(super) fn inside(&self, cell: u32) -> &UnsafeCell<Versioned<T>> {
        &self.cell(cell).inside
    }

    fn cell(&self, cell: u32) -> &Cell<T> {
        // SAFETY: numbers come from the writer's search, which stays below the number of cells, and are only passed on.
        unsafe { self.cells.get_unchecked(cell as usize) }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        // Acquire: what the writer published before it went is visible, so that a look after this one misses nothing.
        self.abandoned.load(Ordering::Acquire)
    }

    pub(super) fn abandon(&self) {
        // Release: see `is_abandoned`.
        self.abandoned.store(true, Ordering::Release);
    }
}

pub(super) type Handle<T> = Arc<Shared<T>>;
