//! Emitting on the hot path asks the allocator for nothing, full ring or not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches only a thread's own cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller's promises are those `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn emit_neither_allocates_nor_frees() {
    let names = telemetry::names::Names::default();
    let config = names.intern("edd4-imgcompNone-inpcomp50");
    let (mut emitter, _inlet) = telemetry::emitter::ring(8);
    let before = CALLS.get();
    let taken = (0..20).filter(|&seq| emitter.emit(common::frame(1, seq, 20, config))).count();
    assert_eq!(CALLS.get() - before, 0);
    assert_eq!((taken, emitter.dropped()), (8, 12));
    drop(Box::new(1));
    assert_eq!(CALLS.get() - before, 2, "the counter counts");
}
