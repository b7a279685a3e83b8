//! Counts the heap calls of each thread, so that "no heap call per frame" is a number of the run and not a promise.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counted; a program makes it its `#[global_allocator]`.
pub struct Counting;

fn count() {
    // A thread that is ending has no count any more, and nobody who asks for it.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: everything is the system allocator's; counting touches a thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Heap calls (allocations, reallocations and releases) of the calling thread so far; 0 for ever where [`Counting`] is
/// not the program's allocator.
#[must_use]
pub fn calls() -> u64 {
    CALLS.with(Cell::get)
}

/// Whether heap calls are counted in this program at all.
#[must_use]
pub fn counted() -> bool {
    let before = calls();
    drop(std::hint::black_box(Box::new(0_u8)));
    calls() > before
}
