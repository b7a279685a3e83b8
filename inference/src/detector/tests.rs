use std::sync::{Arc, Mutex};

use rt_core::detections::Detection;

use super::*;
use crate::testing::{Recorded, Tensors, info};

/// A YOLOX of one class on 64 × 64 that always finds one object, at 16..32 × 8..24 of its input.
fn detector(seen: &Arc<Mutex<Vec<f32>>>) -> Detector {
    let mut values = vec![0.0; 84 * 6];
    // First grid (stride 8, eight cells a row): column 3, row 2, centre at its top left, two cells wide and high.
    values[(2 * 8 + 3) * 6..][..6].copy_from_slice(&[0.0, 0.0, 2_f32.ln(), 2_f32.ln(), 0.9, 1.0]);
    let engine = Recorded {
        shape: [1, 3, 64, 64],
        infos: vec![info("output", &[1, 84, 6])],
        tensors: Tensors(vec![values]),
        seen: Arc::clone(seen),
    };
    Detector::with_engine(Box::new(engine), 5, 7).unwrap()
}

fn close(found: &Detections, expected: [f32; 4]) {
    let [Detection { x_min, y_min, x_max, y_max, .. }] = *found.as_slice() else { panic!("{found:?}") };
    for (ours, expected) in [x_min, y_min, x_max, y_max].into_iter().zip(expected) {
        assert!((ours - expected).abs() < 1e-3, "{found:?}");
    }
}

#[test]
fn boxes_come_back_in_pixels_of_the_frame() {
    let seen = Arc::default();
    let mut detector = detector(&seen);
    let pixels = vec![50; 640 * 320 * 3];
    let mut found = Detections::new();
    detector.detect_frame(RgbView::new(&pixels, 640, 320).unwrap(), &mut found).unwrap();
    close(&found, [160.0, 80.0, 320.0, 240.0]);
    let small = vec![50; 16 * 32 * 3];
    detector.detect_frame(RgbView::new(&small, 16, 32).unwrap(), &mut found).unwrap();
    close(&found, [8.0, 4.0, 16.0, 12.0]);
}

#[test]
fn an_input_gives_the_same_as_its_frame_whatever_pads_it() {
    let seen: Arc<Mutex<Vec<f32>>> = Arc::default();
    let mut detector = detector(&seen);
    let pixels: Vec<u8> = (0..200 * 100 * 3).map(|index| (index % 251) as u8).collect();
    let frame = RgbView::new(&pixels, 200, 100).unwrap();
    let (mut of_frame, mut of_input) = (Detections::new(), Detections::new());
    detector.detect_frame(frame, &mut of_frame).unwrap();
    let planes = seen.lock().unwrap().clone();
    assert_eq!(planes[64 * 40], 114.0, "below the frame is padding");
    for pad in [[0; 3], [255, 1, 99]] {
        let mut input = vec![0; 64 * 64 * 3];
        Letterboxer::new().draw(frame, (64, 64), pad, &mut input).unwrap();
        let input = RgbView::new(&input, 64, 64).unwrap();
        detector.detect_input(input, (200, 100), &mut of_input).unwrap();
        assert_eq!(*seen.lock().unwrap(), planes);
        assert_eq!(of_input, of_frame);
    }
}

#[test]
fn an_input_of_another_size_is_refused_and_leaves_nothing() {
    let mut detector = detector(&Arc::default());
    let pixels = [0; 32 * 64 * 3];
    let mut found = Detections::from_slice(&[Detection::default()]).unwrap();
    let error = detector.detect_input(RgbView::new(&pixels, 32, 64).unwrap(), (32, 64), &mut found).unwrap_err();
    assert_eq!(error, DetectError::InputSize { expected: (64, 64), found: (32, 64) });
    assert!(found.is_empty());
}

#[test]
fn what_is_no_model_is_refused_with_its_path() {
    let file = tempfile::NamedTempFile::with_suffix(".onnx").unwrap();
    for content in [&b""[..], b"not a model", &[0x08, 0x07, 0x3a, 0xff, 0xff, 0xff], &[0xff; 300]] {
        std::fs::write(file.path(), content).unwrap();
        let error = Detector::load(file.path(), 1).err().unwrap();
        assert!(matches!(error, LoadError::Engine(_)), "{error}");
        assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
    }
    let missing = Detector::load(Path::new("/nonexistent/model.onnx"), 1).err().unwrap();
    assert!(matches!(missing, LoadError::Engine(EngineLoadError::Read { .. })), "{missing}");
}

#[test]
fn the_hash_is_the_published_one() {
    assert_eq!(fnv1a64(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a64(b"foobar"), 0x8594_4171_f739_67e8);
}
