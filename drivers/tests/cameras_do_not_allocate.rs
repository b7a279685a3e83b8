//! A camera that runs never touches the heap: neither the synthetic street nor photographs, nor their truth.

#![expect(clippy::expect_used, reason = "a test says out loud what cannot fail")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use drivers::camera::{Camera, Pace, Wait};
use drivers::files::{FileCamera, FrameSet};
use drivers::synthetic_camera::{StreetConfig, SyntheticCamera};
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn note() {
    // A thread that is ending has no counter any more, and nothing to count.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is handed on unchanged to the system's allocator; counting touches no heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of_twenty_frames(camera: &mut dyn Camera<Vec<u8>>) -> u64 {
    let bell = Doorbell::futex();
    let mut slot = vec![0; camera.frame_bytes()];
    let before = ALLOCATIONS.get();
    for _ in 0..20 {
        camera.queue(slot).map_err(|(_, error)| error).expect("room");
        let wait = Wait::new(&bell, Monotonic::now().plus(Duration::from_secs(3600)));
        slot = camera.dequeue(&wait).expect("no fault").expect("a slot is queued").slot;
    }
    ALLOCATIONS.get() - before
}

#[test]
fn the_synthetic_street_leaves_the_heap_alone() {
    let street = StreetConfig { seed: 1, camera: 0, width: 320, height: 192, fps: 1000.0 };
    let pace = Pace::new(Monotonic::now(), street.fps).expect("a rate");
    let mut camera: SyntheticCamera<Vec<u8>> = street.camera(pace);
    assert!(ALLOCATIONS.get() > 0, "the thread is watched");
    assert_eq!(allocations_of_twenty_frames(&mut camera), 0);
}

#[test]
fn photographs_leave_the_heap_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut coded = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut coded, 80);
    encoder.encode(&[90; 64 * 48 * 3], 64, 48, jpeg_encoder::ColorType::Rgb).expect("encoded");
    std::fs::write(dir.path().join("a.jpg"), &coded).expect("written");
    let frames = Arc::new(FrameSet::open(dir.path(), 1 << 20).expect("a photograph"));
    let mut camera: FileCamera<Vec<u8>> =
        FileCamera::of(frames, 0, Pace::new(Monotonic::now(), 1000.0).expect("a rate"));
    assert_eq!(allocations_of_twenty_frames(&mut camera), 0);
}
