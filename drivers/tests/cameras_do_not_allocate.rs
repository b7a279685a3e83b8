//! A camera that runs never touches the heap: neither the synthetic street nor photographs, nor their truth.

#![expect(clippy::expect_used, reason = "a test says out loud what cannot fail")]

use std::sync::Arc;
use std::time::Duration;

use drivers::camera::{Camera, Pace, Wait};
use drivers::files::{FileCamera, FrameSet};
use drivers::synthetic_camera::{StreetConfig, SyntheticCamera};
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

fn heap_calls_of_twenty_frames(camera: &mut dyn Camera<Vec<u8>>) -> HeapCalls {
    let bell = Doorbell::futex();
    let mut slot = Some(vec![0; camera.frame_bytes()]);
    count(|| {
        for _ in 0..20 {
            camera.queue(slot.take().expect("a slot")).map_err(|(_, error)| error).expect("room");
            let wait = Wait::new(&bell, Monotonic::now().plus(Duration::from_secs(3600)));
            slot = camera.dequeue(&wait).expect("no fault").map(|captured| captured.slot);
        }
    })
}

#[test]
fn the_synthetic_street_leaves_the_heap_alone() {
    let street = StreetConfig { seed: 1, camera: 0, width: 320, height: 192, fps: 1000.0 };
    let pace = Pace::new(Monotonic::now(), street.fps).expect("a rate");
    let mut camera: SyntheticCamera<Vec<u8>> = street.camera(pace);
    assert_eq!(heap_calls_of_twenty_frames(&mut camera), HeapCalls::NONE);
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
    assert_eq!(heap_calls_of_twenty_frames(&mut camera), HeapCalls::NONE);
}
