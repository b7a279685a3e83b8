//! Decoding agrees with the `effdet` package and torchvision on outputs that `golden/make.py` describes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by saying so")]

use inference::engine::{OutputInfo, Outputs};
use inference::family::{DetectionHead, Family, recognise};
use rt_core::detections::Detections;
use serde_json::Value;

struct Tensors(Vec<Vec<f32>>);

impl Outputs for Tensors {
    fn output(&self, index: usize) -> Option<&[f32]> {
        self.0.get(index).map(Vec::as_slice)
    }
}

/// As in `golden/make.py`.
fn noise(seed: u32, index: u32) -> f32 {
    let mixed = index.wrapping_add(seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    ((mixed ^ (mixed >> 16)) >> 8) as f32 / (1 << 24) as f32
}

fn logit(seed: u32, index: u32) -> f32 {
    let power = (0..5).fold(noise(seed, index), |x, _| x * x);
    power * 21.0 - 20.0
}

struct Case {
    height: usize,
    width: usize,
    classes: usize,
    anchor_scale: String,
    expected: Vec<[f32; 6]>,
}

fn cases() -> Vec<Case> {
    let golden: Value = serde_json::from_str(include_str!("golden/efficientdet.json")).unwrap();
    let size = |case: &Value, key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
    let row = |row: &Value| std::array::from_fn(|index| row[index].as_f64().unwrap() as f32);
    let cases = golden.as_array().unwrap().iter();
    cases
        .map(|case| Case {
            height: size(case, "height"),
            width: size(case, "width"),
            classes: size(case, "classes"),
            anchor_scale: case["anchor_scale"].as_f64().unwrap().to_string(),
            expected: case["detections"].as_array().unwrap().iter().map(row).collect(),
        })
        .collect()
}

/// (height, width) of P3 to P7.
fn levels(case: &Case) -> Vec<(u32, usize, usize)> {
    (3..8).map(|level| (level, case.height.div_ceil(1 << level), case.width.div_ceil(1 << level))).collect()
}

/// Class maps, then box maps, as the reference model returns them.
fn level_maps(case: &Case) -> (Vec<OutputInfo>, Vec<Vec<f32>>) {
    let mut infos = Vec::new();
    let mut tensors = Vec::new();
    for classes in [true, false] {
        for (level, height, width) in levels(case) {
            let channels = 9 * if classes { case.classes } else { 4 };
            let count = (channels * height * width) as u32;
            let class_map = || (0..count).map(|index| logit(level, index)).collect();
            let box_map = || (0..count).map(|index| noise(level + 10, index) - 0.5).collect();
            let name = (infos.len() + 1000).to_string();
            infos.push(OutputInfo { name, shape: vec![1, channels, height, width] });
            tensors.push(if classes { class_map() } else { box_map() });
        }
    }
    (infos, tensors)
}

/// The same, as two tensors over levels, rows, columns, anchors.
fn concatenated(case: &Case) -> (Vec<OutputInfo>, Vec<Vec<f32>>) {
    let (_, maps) = level_maps(case);
    let mut tensors = Vec::new();
    let mut infos = Vec::new();
    for (name, depth, maps) in [("class_out", case.classes, &maps[..5]), ("box_out", 4, &maps[5..])] {
        let mut rows = Vec::new();
        for ((_, height, width), map) in levels(case).into_iter().zip(maps) {
            let cells = height * width;
            for cell in 0..cells {
                rows.extend((0..9 * depth).map(|channel| map[channel * cells + cell]));
            }
        }
        infos.push(OutputInfo { name: name.to_owned(), shape: vec![1, rows.len() / depth, depth] });
        tensors.push(rows);
    }
    (infos, tensors)
}

fn check(case: &Case, infos: &[OutputInfo], tensors: Vec<Vec<f32>>) {
    let metadata = |key: &str| (key == "turbo.anchor_scale").then_some(case.anchor_scale.as_str());
    let mut head = recognise(case.height, case.width, infos, metadata).unwrap().head;
    assert_eq!((head.family(), head.class_count()), (Family::EfficientDet, case.classes));
    let mut found = Detections::new();
    DetectionHead::decode(head.as_mut(), &Tensors(tensors), &mut found).unwrap();
    assert_eq!(found.len(), case.expected.len());
    for (ours, theirs) in found.iter().zip(&case.expected) {
        let ours = [ours.x_min, ours.y_min, ours.x_max, ours.y_max, ours.score, f32::from(ours.class)];
        for (ours_value, theirs_value) in ours.iter().zip(theirs) {
            assert!((ours_value - theirs_value).abs() < 2e-3, "{ours:?} here, {theirs:?} by effdet");
        }
    }
}

#[test]
fn level_maps_in_the_usual_order() {
    for case in cases() {
        let (infos, tensors) = level_maps(&case);
        check(&case, &infos, tensors);
    }
}

#[test]
fn level_maps_in_any_order_of_levels_and_kinds() {
    let case = cases().swap_remove(0);
    let (infos, tensors) = level_maps(&case);
    for order in [[9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [5, 0, 6, 1, 7, 2, 8, 3, 9, 4], [2, 7, 9, 1, 0, 8, 3, 6, 5, 4]] {
        let infos: Vec<OutputInfo> = order.iter().map(|&index: &usize| infos[index].clone()).collect();
        check(&case, &infos, order.iter().map(|&index| tensors[index].clone()).collect());
    }
}

#[test]
fn two_concatenated_tensors_in_either_order() {
    for case in cases() {
        let (mut infos, mut tensors) = concatenated(&case);
        check(&case, &infos, tensors.clone());
        infos.reverse();
        tensors.reverse();
        check(&case, &infos, tensors);
    }
}
