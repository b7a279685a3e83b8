//! Real weights on real photographs: what a person sees is found where a person sees it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by saying so")]

use std::path::{Path, PathBuf};

use inference::codec::{ImageDecoder, WireCoding};
use inference::detector::Detector;
use inference::family::Family;
use inference::image::RgbView;
use rt_core::detections::{Detection, Detections};
use testkit::data::shared;

fn pixels(path: &Path) -> (Vec<u8>, u32, u32) {
    let bytes = std::fs::read(path).unwrap();
    let coding = WireCoding::sniff(&bytes).unwrap();
    let (width, height) = ImageDecoder::size(coding, &bytes).unwrap();
    let mut pixels = Vec::new();
    ImageDecoder::new().decode(coding, &bytes, width, height, &mut pixels).unwrap();
    (pixels, width, height)
}

/// Pascal VOC: the boxes of a name.
fn labelled(annotation: &str, name: &str) -> Vec<Detection> {
    let value = |object: &str, key: &str| -> f32 {
        let (_, after) = object.split_once(&format!("<{key}>")).unwrap();
        after.split_once('<').unwrap().0.trim().parse().unwrap()
    };
    let objects = annotation.split("<object>").skip(1).filter(|object| object.contains(&format!("<name>{name}<")));
    objects
        .map(|object| Detection {
            x_min: value(object, "xmin"),
            y_min: value(object, "ymin"),
            x_max: value(object, "xmax"),
            y_max: value(object, "ymax"),
            ..Detection::default()
        })
        .collect()
}

#[test]
fn stop_signs_traffic_lights_and_cars_are_found() {
    let (Some(model), Some(images)) = (shared("models/yolox_nano.onnx"), shared("images/road-signs")) else {
        return;
    };
    let mut detector = Detector::load(&model, 1).unwrap();
    assert_eq!((detector.info().family, detector.input_size()), (Family::Yolox, (416, 416)));
    assert_eq!(detector.info().classes[11], "stop sign");
    let mut best = [0.0_f32; 80];
    let mut stop_signs = (0, 0);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(images.join("images")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 50, "{} photographs", files.len());
    for file in files {
        let (pixels, width, height) = pixels(&file);
        let mut found = Detections::new();
        detector.detect_frame(RgbView::new(&pixels, width, height).unwrap(), &mut found).unwrap();
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        for one in &found {
            let inside =
                0.0 <= one.x_min && one.x_max <= width as f32 && 0.0 <= one.y_min && one.y_max <= height as f32;
            assert!(inside, "{one:?} in {width}x{height}");
            best[usize::from(one.class)] = best[usize::from(one.class)].max(one.score);
        }
        let annotation = images.join("annotations").join(file.file_stem().unwrap()).with_extension("xml");
        for stop in labelled(&std::fs::read_to_string(annotation).unwrap(), "stop") {
            let here = |one: &&Detection| one.class == 11 && one.score > 0.5 && one.iou(&stop) > 0.5;
            stop_signs.0 += usize::from(found.iter().any(|one| here(&one)));
            stop_signs.1 += 1;
        }
    }
    eprintln!(
        "stop signs found where labelled: {stop_signs:?}; best scores: car {:.3}, light {:.3}, stop {:.3}",
        best[2], best[9], best[11]
    );
    assert!(best[2] > 0.8 && best[9] > 0.75 && best[11] > 0.8, "car {}, light {}, stop {}", best[2], best[9], best[11]);
    assert!(stop_signs.1 >= 5 && stop_signs.0 * 3 >= stop_signs.1 * 2, "found {stop_signs:?}");
}

#[test]
fn a_truncated_or_damaged_model_ends_in_a_message() {
    let Some(model) = shared("models/yolox_nano.onnx") else { return };
    let whole = std::fs::read(model).unwrap();
    let file = tempfile::NamedTempFile::with_suffix(".onnx").unwrap();
    for length in [1, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(file.path(), &whole[..length]).unwrap();
        let message = Detector::load(file.path(), 1).err().unwrap().to_string();
        assert!(message.contains("truncated") || message.contains("no graph"), "{length}: {message}");
    }
}

#[test]
fn a_detector_moved_to_another_thread_with_more_threads_finds_the_same() {
    let (Some(model), Some(image)) = (shared("models/yolox_nano.onnx"), shared("images/road-signs/images/road160.jpg"))
    else {
        return;
    };
    let (pixels, width, height) = pixels(&image);
    let detect = |detector: &mut Detector| {
        let mut found = Detections::new();
        detector.detect_frame(RgbView::new(&pixels, width, height).unwrap(), &mut found).unwrap();
        found
    };
    let mut detector = Detector::load(&model, 2).unwrap();
    let here = detect(&mut detector);
    let there = std::thread::scope(|scope| scope.spawn(|| detect(&mut detector)).join().unwrap());
    assert!(here.len() > 3);
    assert_eq!(here, there);
}
