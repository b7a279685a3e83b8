use rt_core::detections::{Detection, Detections};

use super::*;
use crate::engine::OutputInfo;
use crate::testing::{Tensors, info, noise};

fn no_metadata(_: &str) -> Option<&'static str> {
    None
}

/// Ten maps of an EfficientDet for an input of 64 × 96 with names as our exports have them.
fn level_infos(classes: usize) -> Vec<OutputInfo> {
    let sizes = [(8, 12), (4, 6), (2, 3), (1, 2), (1, 1)];
    let maps = |kind: &'static str, depth: usize| {
        (3..).zip(sizes).map(move |(level, (h, w))| info(&format!("{kind}_P{level}"), &[1, 9 * depth, h, w]))
    };
    maps("cls", classes).chain(maps("box", 4)).collect()
}

fn zeros(infos: &[OutputInfo], value: f32) -> Vec<Vec<f32>> {
    infos.iter().map(|info| vec![value; info.shape.iter().product()]).collect()
}

#[test]
fn one_strong_logit_is_one_box_on_its_anchor() {
    let infos = level_infos(4);
    let mut head = recognise(64, 96, &infos, no_metadata).unwrap().head;
    let mut tensors = zeros(&infos, 0.0);
    tensors[..5].iter_mut().for_each(|map| map.fill(-10.0));
    // P4, anchor 4 (octave 1, aspect 1.4 x 0.7), class 2, row 3, column 5.
    tensors[1][((4 * 4 + 2) * 4 + 3) * 6 + 5] = 2.0;
    let mut found = Detections::new();
    head.decode(&Tensors(tensors), &mut found).unwrap();
    let side = 4.0 * 16.0 * 2_f32.powf(1.0 / 3.0);
    let (half_width, half_height, x, y) = (side * 0.7, side * 0.35, 5.5 * 16.0, 3.5 * 16.0);
    let expected = [x - half_width, y - half_height, x + half_width, y + half_height];
    let [only] = found.as_slice() else { panic!("{found:?}") };
    for (ours, expected) in [only.x_min, only.y_min, only.x_max, only.y_max].iter().zip(expected) {
        assert!((ours - expected).abs() < 1e-3, "{only:?} {expected:?}");
    }
    assert_eq!(only.class, 2);
    assert!((only.score - 0.880_797).abs() < 1e-5);
}

#[test]
fn four_classes_are_told_from_boxes_by_name_and_equal_levels_too() {
    let mut infos = level_infos(4);
    infos.reverse();
    let mut head = recognise(64, 96, &infos, no_metadata).unwrap().head;
    let mut tensors = zeros(&infos, 0.0);
    tensors[5..].iter_mut().for_each(|map| map.fill(-10.0));
    // cls_P7 is output 5 now: anchor 0, class 3.
    tensors[5][3] = 2.0;
    let mut found = Detections::new();
    head.decode(&Tensors(tensors), &mut found).unwrap();
    let [only] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(only.class, 3);
    assert!((only.x_max - only.x_min - 4.0 * 96.0).abs() < 1e-2, "P7 spans the input: {only:?}");
}

#[test]
fn the_stride_is_a_power_of_two_where_the_levels_are_declared() {
    let declared = |key: &str| match key {
        "turbo.levels" => Some("3-7"),
        "turbo.octaves" => Some("3"),
        "turbo.aspects" => Some("1.0x1.0,1.4x0.7,0.7x1.4"),
        _ => None,
    };
    let infos = level_infos(1);
    let mut tensors = zeros(&infos, 0.0);
    tensors[..5].iter_mut().for_each(|map| map.fill(-10.0));
    tensors[4][0] = 2.0;
    let tensors = Tensors(tensors);
    let mut found = Detections::new();
    recognise(64, 96, &infos, declared).unwrap().head.decode(&tensors, &mut found).unwrap();
    let centre = |found: &Detections| (found[0].x_min + found[0].x_max) / 2.0;
    assert!((centre(&found) - 64.0).abs() < 1e-3);
    recognise(64, 96, &infos, no_metadata).unwrap().head.decode(&tensors, &mut found).unwrap();
    assert!((centre(&found) - 48.0).abs() < 1e-3);
}

#[test]
fn metadata_is_used_and_what_is_missing_is_said() {
    let infos = level_infos(2);
    let full = |key: &str| match key {
        "turbo.classes" => Some("car,stop sign"),
        "turbo.mean" => Some("[0.5, 0.5, 0.5]"),
        "turbo.std" => Some("0.25 0.25 0.25"),
        "turbo.anchor_scale" => Some("3.0"),
        _ => None,
    };
    let known = recognise(64, 96, &infos, full).unwrap();
    assert_eq!((known.classes.len(), known.assumed.len()), (2, 0), "{:?}", known.assumed);
    assert_eq!(known.head.normalisation().padding_rgb, [128; 3]);
    let bare = recognise(64, 96, &infos, no_metadata).unwrap();
    assert_eq!(bare.classes, ["class0", "class1"]);
    assert_eq!(bare.assumed.len(), 4, "{:?}", bare.assumed);
    assert_eq!(bare.head.normalisation().padding_rgb, [124, 116, 104]);
}

#[test]
fn contradicting_metadata_is_refused_by_key_and_value() {
    let infos = level_infos(2);
    let refused = |wanted: &'static str, value: &'static str| {
        let metadata = move |key: &str| (key == wanted).then_some(value);
        recognise(64, 96, &infos, metadata).err().unwrap().to_string()
    };
    assert!(refused("turbo.classes", "car").contains("1 names"));
    for (key, value) in [
        ("turbo.mean", "0.5,0.5"),
        ("turbo.std", "0,1,1"),
        ("turbo.anchor_scale", "big"),
        ("turbo.levels", "2-6"),
        ("turbo.octaves", "2"),
        ("turbo.aspects", "1x1,2x1,1x2"),
    ] {
        let message = refused(key, value);
        assert!(message.contains(key) && message.contains(value), "{message}");
    }
}

#[test]
fn other_outputs_are_refused_with_what_was_found_and_what_would_do() {
    let anchors = (8 * 12 + 4 * 6 + 2 * 3 + 2 + 1) * 9;
    let wrong = [
        vec![],
        vec![info("logits", &[1, 1000])],
        vec![info("boxes", &[1, 100, 4]), info("scores", &[1, 100])],
        vec![info("a", &[1, anchors, 7]), info("b", &[1, anchors, 5])],
        vec![info("yolo", &[1, 126, 5])],
        vec![info("yolo", &[1, 125, 85])],
        level_infos(3)[..9].to_vec(),
        level_infos(3).into_iter().map(|map| info(&map.name, &map.shape[1..])).collect(),
    ];
    for outputs in wrong {
        let error = recognise(64, 96, &outputs, no_metadata).err().unwrap();
        let message = error.to_string();
        assert!(matches!(error, RecogniseError::Unknown { .. }), "{message}");
        assert!(message.contains("YOLOX with one output") && message.contains("64x96"), "{message}");
        assert!(outputs.iter().all(|output| message.contains(&output.name)), "{message}");
    }
    let many = recognise(64, 96, &[info("o", &[1, 126, 5 + 300])], no_metadata).err().unwrap();
    assert_eq!(many, RecogniseError::TooManyClasses { family: Family::Yolox, classes: 300 });
}

/// YOLOX's decoding written down once more, slowly.
fn yolox_reference(values: &[f32], classes: usize, height: usize, width: usize) -> Vec<Detection> {
    let mut all = Vec::new();
    let mut rows = values.chunks(5 + classes);
    for stride in [8, 16, 32] {
        for y in 0..height / stride {
            for x in 0..width / stride {
                let row = rows.next().unwrap();
                let (class, score) = row[5..]
                    .iter()
                    .enumerate()
                    .fold((0, f32::MIN), |best, (c, &s)| if s > best.1 { (c, s) } else { best });
                let (cx, cy) = ((row[0] + x as f32) * stride as f32, (row[1] + y as f32) * stride as f32);
                let (w, h) = (row[2].exp() * stride as f32, row[3].exp() * stride as f32);
                all.push(Detection {
                    x_min: cx - w / 2.0,
                    y_min: cy - h / 2.0,
                    x_max: cx + w / 2.0,
                    y_max: cy + h / 2.0,
                    score: row[4] * score,
                    class: class as u8,
                });
            }
        }
    }
    all.retain(|found| found.score > SCORE_THRESHOLD);
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for found in all {
        if !kept.iter().any(|k| k.class == found.class && k.iou(&found) > NMS_IOU) {
            kept.push(found);
        }
    }
    kept.truncate(rt_core::detections::MAX_DETECTIONS);
    kept
}

#[test]
fn yolox_decodes_as_written_down() {
    let (height, width, classes) = (64, 96, 3);
    let outputs = [info("output", &[1, 126, 8])];
    let mut head = recognise(height, width, &outputs, no_metadata).unwrap().head;
    assert_eq!(head.family(), Family::Yolox);
    for seed in 0..20 {
        let value = |index: usize| {
            let noise = noise(seed, index);
            if index % 8 < 4 { noise * 2.0 - 0.5 } else { noise }
        };
        let values: Vec<f32> = (0..126 * 8).map(value).collect();
        let expected = yolox_reference(&values, classes, height, width);
        let mut found = Detections::new();
        head.decode(&Tensors(vec![values]), &mut found).unwrap();
        assert!(found.len() > 10);
        assert_eq!(found.as_slice(), expected);
    }
}

#[test]
fn outputs_of_another_length_are_an_error_and_not_numbers_are_nothing() {
    let infos = level_infos(3);
    let mut head = recognise(64, 96, &infos, no_metadata).unwrap().head;
    let mut found = Detections::new();
    let mut short = zeros(&infos, 0.0);
    short[6].pop();
    let expected = 36 * 24;
    let error = head.decode(&Tensors(short), &mut found).unwrap_err();
    assert_eq!(error, DecodeError { index: 6, expected, found: Some(expected - 1) });
    assert!(head.decode(&Tensors::default(), &mut found).is_err());
    for value in [f32::NAN, f32::NEG_INFINITY] {
        head.decode(&Tensors(zeros(&infos, value)), &mut found).unwrap();
        assert!(found.is_empty());
    }
    let mut broken_boxes = zeros(&infos, f32::NAN);
    broken_boxes[0].fill(3.0);
    head.decode(&Tensors(broken_boxes), &mut found).unwrap();
    assert!(found.is_empty(), "sure of something that is nowhere");
}
