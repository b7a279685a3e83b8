//! A heap that counts: the system's allocator, and per thread how often and for how many bytes it was called.
//!
//! A test program installs it with [`count_heap!`](crate::count_heap) and asks with [`count`]; both the path under
//! test and the counter itself are held to account, because [`count`] fails where nothing counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};

/// Calls of the heap by one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapCalls {
    /// Calls of `alloc`.
    pub allocs: u64,
    /// Calls of `alloc_zeroed`.
    pub zeroed: u64,
    /// Calls of `realloc`.
    pub reallocs: u64,
    /// Calls of `dealloc`.
    pub deallocs: u64,
    /// Bytes asked for by `alloc`, `alloc_zeroed` and `realloc` (its whole new size).
    pub bytes: u64,
}

impl HeapCalls {
    /// No call.
    pub const NONE: Self = Self { allocs: 0, zeroed: 0, reallocs: 0, deallocs: 0, bytes: 0 };

    /// What the calling thread has called so far.
    #[must_use]
    pub fn of_this_thread() -> Self {
        CALLS.get()
    }

    /// Calls that ask for memory: `alloc`, `alloc_zeroed` and `realloc`.
    #[must_use]
    pub const fn allocations(self) -> u64 {
        self.allocs + self.zeroed + self.reallocs
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            allocs: self.allocs + other.allocs,
            zeroed: self.zeroed + other.zeroed,
            reallocs: self.reallocs + other.reallocs,
            deallocs: self.deallocs + other.deallocs,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Sub for HeapCalls {
    type Output = Self;

    /// What was called since `earlier` of the same thread.
    fn sub(self, earlier: Self) -> Self {
        Self {
            allocs: self.allocs - earlier.allocs,
            zeroed: self.zeroed - earlier.zeroed,
            reallocs: self.reallocs - earlier.reallocs,
            deallocs: self.deallocs - earlier.deallocs,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

thread_local! {
    // Neither lazily made nor destroyed: the allocator may look at them at any time of a thread's life.
    static CALLS: Cell<HeapCalls> = const { Cell::new(HeapCalls::NONE) };
    static HELD: Cell<i64> = const { Cell::new(0) };
    static SEEN_BY: Cell<Option<&'static SharedCalls>> = const { Cell::new(None) };
}

/// What is held in pieces of this size or larger is not counted by [`held_by_this_thread`]: rings and arenas, taken once.
pub const LARGE_BYTES: usize = 1 << 20;

/// Bytes that the calling thread has allocated and not freed, in pieces below [`LARGE_BYTES`]; what it freed for another
/// thread counts against it.
#[must_use]
pub fn held_by_this_thread() -> i64 {
    HELD.get()
}

fn hold(more: usize, less: usize) {
    let counted = |bytes: usize| if bytes < LARGE_BYTES { bytes as u64 } else { 0 };
    HELD.set(HELD.get().wrapping_add_unsigned(counted(more)).wrapping_sub_unsigned(counted(less)));
}

fn note(call: HeapCalls) {
    CALLS.set(CALLS.get().plus(call));
    if let Some(shared) = SEEN_BY.get() {
        shared.add(call);
    }
}

/// The system's allocator, counting; installed by [`count_heap!`](crate::count_heap).
#[derive(Debug)]
pub struct CountingHeap;

// SAFETY: every call is handed on to the system's allocator with its arguments unchanged; counting touches only
// thread-locals without a destructor and atomics, never the heap.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(HeapCalls { allocs: 1, bytes: layout.size() as u64, ..HeapCalls::NONE });
        hold(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(HeapCalls { zeroed: 1, bytes: layout.size() as u64, ..HeapCalls::NONE });
        hold(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(HeapCalls { reallocs: 1, bytes: size as u64, ..HeapCalls::NONE });
        hold(size, layout.size());
        // SAFETY: the caller's promises are passed on; the pointer came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(HeapCalls { deallocs: 1, ..HeapCalls::NONE });
        hold(0, layout.size());
        // SAFETY: the caller's promises are passed on; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Makes [`CountingHeap`] the heap of this test program; once per program, at its top level.
#[macro_export]
macro_rules! count_heap {
    () => {
        #[global_allocator]
        static COUNTING_HEAP: $crate::heap::CountingHeap = $crate::heap::CountingHeap;
    };
}

/// Heap calls of the calling thread while `run` runs.
///
/// ```
/// testkit::count_heap!();
/// # fn main() {
/// let mut sum = 0;
/// assert_eq!(testkit::heap::count(|| sum += 1), testkit::heap::HeapCalls::NONE);
/// assert_eq!(testkit::heap::count(|| drop(std::hint::black_box(Box::new(7_u64)))).bytes, 8);
/// # }
/// ```
///
/// # Panics
/// Where the program's heap does not count, so that no test passes for want of a counter.
pub fn count(run: impl FnOnce()) -> HeapCalls {
    let before = HeapCalls::of_this_thread();
    drop(std::hint::black_box(Box::new(0_u8)));
    let begun = HeapCalls::of_this_thread();
    assert_ne!(begun, before, "nothing counts: write `testkit::count_heap!();` at the top of the test program");
    run();
    HeapCalls::of_this_thread() - begun
}

/// Heap calls of a thread, as another thread sees them while it runs.
#[derive(Debug, Default)]
pub struct SharedCalls {
    allocs: AtomicU64,
    zeroed: AtomicU64,
    reallocs: AtomicU64,
    deallocs: AtomicU64,
    bytes: AtomicU64,
}

impl SharedCalls {
    /// No call yet; to be kept in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            allocs: AtomicU64::new(0),
            zeroed: AtomicU64::new(0),
            reallocs: AtomicU64::new(0),
            deallocs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Adds up the calling thread's calls while `run` runs.
    pub fn watch<T>(&'static self, run: impl FnOnce() -> T) -> T {
        let outer = SEEN_BY.replace(Some(self));
        let result = run();
        SEEN_BY.set(outer);
        result
    }

    /// The calls so far.
    #[must_use]
    pub fn get(&self) -> HeapCalls {
        HeapCalls {
            allocs: self.allocs.load(Ordering::SeqCst),
            zeroed: self.zeroed.load(Ordering::SeqCst),
            reallocs: self.reallocs.load(Ordering::SeqCst),
            deallocs: self.deallocs.load(Ordering::SeqCst),
            bytes: self.bytes.load(Ordering::SeqCst),
        }
    }

    fn add(&self, call: HeapCalls) {
        self.allocs.fetch_add(call.allocs, Ordering::SeqCst);
        self.zeroed.fetch_add(call.zeroed, Ordering::SeqCst);
        self.reallocs.fetch_add(call.reallocs, Ordering::SeqCst);
        self.deallocs.fetch_add(call.deallocs, Ordering::SeqCst);
        self.bytes.fetch_add(call.bytes, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    crate::count_heap!();

    #[test]
    fn every_kind_of_call_is_counted_with_its_bytes() {
        let calls = count(|| {
            let mut grown: Vec<u8> = black_box(Vec::with_capacity(10));
            grown.resize(10, 1);
            grown.reserve_exact(90);
            drop(black_box(grown));
            drop(black_box(vec![0_u8; 1_000]));
        });
        assert_eq!(calls, HeapCalls { allocs: 1, zeroed: 1, reallocs: 1, deallocs: 2, bytes: 10 + 100 + 1_000 });
        assert_eq!(calls.allocations(), 3);
    }

    #[test]
    fn what_is_held_is_what_was_not_freed() {
        let before = held_by_this_thread();
        let mut kept: Vec<u8> = black_box(Vec::with_capacity(100));
        drop(black_box(vec![0_u8; 5_000]));
        let large: Vec<u8> = black_box(vec![0; LARGE_BYTES]);
        kept.reserve_exact(300);
        assert_eq!(held_by_this_thread() - before, 300);
        drop(black_box((kept, large)));
        assert_eq!(held_by_this_thread(), before);
    }

    #[test]
    fn another_threads_calls_are_its_own_unless_watched() {
        static WATCHED: SharedCalls = SharedCalls::new();
        let busy = || drop(black_box(vec![1_u8; 500]));
        let mut theirs = HeapCalls::NONE;
        let thread = std::thread::spawn(move || {
            let first = count(busy);
            WATCHED.watch(busy);
            busy();
            first
        });
        let mine = count(|| while !thread.is_finished() {});
        if let Ok(calls) = thread.join() {
            theirs = calls;
        }
        assert_eq!(mine, HeapCalls::NONE);
        let one = HeapCalls { allocs: 1, deallocs: 1, bytes: 500, ..HeapCalls::NONE };
        assert_eq!((theirs, WATCHED.get()), (one, one));
    }
}
