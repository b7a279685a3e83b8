//! The accuracy agrees with pycocotools on data that `golden/make.py` made.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by saying so")]

use inference::accuracy::{AccuracyAccumulator, Truth};
use rt_core::detections::Detection;
use serde_json::Value;

fn number(value: &Value, index: usize) -> f64 {
    value[index].as_f64().unwrap()
}

#[test]
fn agrees_with_pycocotools() {
    let golden: Value = serde_json::from_str(include_str!("golden/accuracy.json")).unwrap();
    let rows = |key: &str| golden[key].as_array().unwrap().clone();
    let corners = |row: &Value| [2, 3, 4, 5].map(|index| number(row, index) as f32);
    let mut accumulator = AccuracyAccumulator::new();
    for image in 0..golden["images"].as_u64().unwrap() {
        let here = |row: &&Value| row[0].as_u64() == Some(image);
        let truths: Vec<Truth> = rows("truths")
            .iter()
            .filter(here)
            .map(|row| {
                let [x_min, y_min, x_max, y_max] = corners(row);
                Truth { x_min, y_min, x_max, y_max, class: number(row, 1) as u8, ..Truth::default() }
            })
            .collect();
        let found: Vec<Detection> = rows("detections")
            .iter()
            .filter(here)
            .map(|row| {
                let [x_min, y_min, x_max, y_max] = corners(row);
                let (class, score) = (number(row, 1) as u8, number(row, 6) as f32);
                Detection { x_min, y_min, x_max, y_max, score, class }
            })
            .collect();
        accumulator.add(&truths, &found);
    }
    let result = accumulator.finish();
    let close = |ours: f64, theirs: f64, what: &str| {
        assert!((ours - theirs).abs() < 1e-6, "{what}: {ours} here, {theirs} by pycocotools");
    };
    close(result.ap.unwrap(), golden["ap"].as_f64().unwrap(), "AP");
    close(result.ap50.unwrap(), golden["ap50"].as_f64().unwrap(), "AP50");
    let per_class = rows("per_class");
    assert_eq!(result.per_class.len(), per_class.len());
    for (ours, theirs) in result.per_class.iter().zip(&per_class) {
        assert_eq!(f64::from(ours.class), number(theirs, 0));
        close(ours.ap, number(theirs, 1), "AP of a class");
        close(ours.ap50, number(theirs, 2), "AP50 of a class");
    }
}
