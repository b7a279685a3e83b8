//! Our average precision beside pycocotools', overall and by class, to 0.001: on random detections with everything that is
//! odd about them, on real detections of real photographs, and on what `turbo calibrate` writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../program/mod.rs"]
mod program;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use drivers::files::{decode, photographs};
use drivers::labels::Labels;
use inference::accuracy::{AccuracyAccumulator, Truth};
use inference::classes::{map_classes, map_detections};
use inference::detector::Detector;
use inference::image::RgbView;
use program::{Program, turbo};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRng, TestRunner};
use rt_core::detections::{Detection, Detections};
use serde_json::{Value, json};
use testkit::data::shared;

/// The exit code of the script where Python or its packages cannot be had.
const CANNOT_CHECK: i32 = 77;
/// How far the two may be apart.
const CLOSE: f64 = 0.001;
const PATIENCE: Duration = Duration::from_secs(550);

type Frame = (Vec<Truth>, Vec<Detection>);
/// A detection beside a truth: of which, how far off, how large, of which class, how sure.
type Near = (usize, f32, f32, f32, u8, u8);

/// What pycocotools says; `None` where it cannot be had.
fn reference(frames: &[Frame], classes: u8) -> Option<Value> {
    let numbered = || frames.iter().enumerate();
    let truths: Vec<Value> = numbered()
        .flat_map(|(image, (truths, _))| truths.iter().map(move |t| (image, t)))
        .map(|(image, t)| json!([image, t.class, t.x_min, t.y_min, t.x_max, t.y_max, u8::from(t.crowd), t.area]))
        .collect();
    let detections: Vec<Value> = numbered()
        .flat_map(|(image, (_, found))| found.iter().map(move |d| (image, d)))
        .map(|(image, d)| json!([image, d.class, d.x_min, d.y_min, d.x_max, d.y_max, d.score]))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input.json");
    let given = json!({"images": frames.len(), "classes": classes, "truths": truths, "detections": detections});
    std::fs::write(&input, given.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pycocotools/run.sh");
    let Ok(ran) = Command::new("sh").arg(script).arg(&input).output() else {
        eprintln!("SKIPPED: the comparison with pycocotools needs a shell");
        return None;
    };
    let complained = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(CANNOT_CHECK) {
        eprintln!("SKIPPED: pycocotools cannot run here: {complained}");
        return None;
    }
    assert!(ran.status.success(), "{complained}");
    Some(serde_json::from_slice(&ran.stdout).unwrap())
}

fn close(ours: f64, theirs: &Value, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= CLOSE, "{what}: {ours} here, {theirs} by pycocotools");
}

/// Whether both say the same; false where there was nothing to compare with.
fn compare(frames: &[Frame], classes: u8, what: &str) -> bool {
    let Some(theirs) = reference(frames, classes) else { return false };
    let mut accumulator = AccuracyAccumulator::new();
    frames.iter().for_each(|(truths, found)| accumulator.add(truths, found));
    let ours = accumulator.finish();
    close(ours.ap.unwrap_or(-1.0), &theirs["ap"], &format!("{what}: AP"));
    close(ours.ap50.unwrap_or(-1.0), &theirs["ap50"], &format!("{what}: AP50"));
    for (ours, key) in [(ours.ap_small, "ap_small"), (ours.ap_medium, "ap_medium"), (ours.ap_large, "ap_large")] {
        close(ours.unwrap_or(-1.0), &theirs[key], &format!("{what}: {key}"));
    }
    let per_class = theirs["per_class"].as_array().unwrap();
    assert_eq!(ours.per_class.len(), per_class.len(), "{what}: {per_class:?}");
    for (class, theirs) in ours.per_class.iter().zip(per_class) {
        assert_eq!(Some(u64::from(class.class)), theirs[0].as_u64());
        close(class.ap, &theirs[1], &format!("{what}: AP of class {}", class.class));
        close(class.ap50, &theirs[2], &format!("{what}: AP50 of class {}", class.class));
    }
    true
}

/// Frames with ties in scores, crowds, outlines smaller than boxes, objects of all sizes, duplicates, classes without truth or detections, and one with more detections of a
/// class than count. Coordinates are quarters of a pixel, which both sides hold exactly.
fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let quarter = |range: std::ops::Range<u16>| range.prop_map(|value| f32::from(value) / 4.0);
    let truth = (quarter(0..1600), quarter(0..1200), quarter(16..600), quarter(16..600), 0_u8..5, 0_u8..6).prop_map(
        |(x, y, w, h, class, kind)| {
            // One in six a crowd; of one in six the outline is smaller than the box, as COCO's often are.
            let area = (kind == 1).then_some(w * h * 0.5);
            Truth { x_min: x, y_min: y, x_max: x + w, y_max: y + h, class, crowd: kind == 0, area }
        },
    );
    let near = (0_usize..8, -0.2_f32..0.2, -0.2_f32..0.2, 0.8_f32..1.2, 0_u8..12, 0_u8..20);
    let frame = (prop::collection::vec(truth, 0..7), prop::collection::vec(near, 0..14));
    prop::collection::vec(frame, 1..24).prop_map(|frames| {
        let flooded = frames.len() / 2;
        let made = |(index, (truths, near)): (usize, (Vec<Truth>, Vec<Near>))| {
            let round = |value: f32| (value * 4.0).round() / 4.0;
            let mut found: Vec<Detection> = near
                .into_iter()
                .filter_map(|(of, dx, dy, scale, class, score)| {
                    let truth = truths.get(of % truths.len().max(1))?;
                    let (w, h) = (truth.x_max - truth.x_min, truth.y_max - truth.y_min);
                    let (x_min, y_min) = (round(truth.x_min + dx * w), round(truth.y_min + dy * h));
                    let (x_max, y_max) = (x_min + round(w * scale).max(1.0), y_min + round(h * scale).max(1.0));
                    // One in two of another class, one of which has no truth anywhere; scores tie often.
                    let class = if class < 6 { truth.class } else { class - 6 };
                    Some(Detection { x_min, y_min, x_max, y_max, score: f32::from(score) / 32.0, class })
                })
                .collect();
            if index == flooded {
                let row = (0..130_u8).map(|k| Detection {
                    x_min: 3.0 * f32::from(k),
                    y_min: 0.0,
                    x_max: 3.0 * f32::from(k) + 20.0,
                    y_max: 20.0,
                    score: f32::from(k % 40) / 64.0,
                    class: 0,
                });
                found.extend(row);
            }
            (truths, found)
        };
        frames.into_iter().enumerate().map(made).collect()
    })
}

#[test]
fn random_detections_have_pycocotools_average_precision() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(Default::default()));
    for round in 0..12 {
        let frames = frames().new_tree(&mut runner).unwrap().current();
        if frames.iter().all(|(_, found)| found.is_empty()) {
            continue;
        }
        if !compare(&frames, 6, &format!("round {round}")) {
            return;
        }
    }
}

/// The detector's frames over the labelled photographs, `most` of them, in the classes of the labels.
fn detected(model: &Path, images: &Path, labels: &Labels, most: usize) -> Vec<Frame> {
    let mut detector = Detector::load(model, 1).unwrap();
    let map = map_classes(&detector.info().classes, labels.classes());
    let knows = |class: u8| map.contains(&Some(class));
    let labelled = photographs(images).unwrap().into_iter().filter_map(|path| {
        let boxes = labels.boxes(&path.file_name().unwrap().to_string_lossy())?;
        Some((path, boxes))
    });
    let mut frames = Vec::new();
    for (path, boxes) in labelled.take(most) {
        let image = decode(&std::fs::read(path).unwrap()).unwrap();
        let mut found = Detections::new();
        detector.detect_frame(RgbView::new(&image.rgb, image.width, image.height).unwrap(), &mut found).unwrap();
        map_detections(&map, &mut found);
        let truths = boxes.iter().filter(|truth| knows(truth.class)).map(|truth| Truth {
            x_min: truth.x_min,
            y_min: truth.y_min,
            x_max: truth.x_max,
            y_max: truth.y_max,
            class: truth.class,
            crowd: truth.ignore,
            area: truth.area,
        });
        frames.push((truths.collect(), found.to_vec()));
    }
    frames
}

#[test]
fn a_calibrated_table_says_of_photographs_what_pycocotools_says() {
    let (Some(model), Some(set)) = (shared("models/yolox_nano.onnx"), shared("images/road-signs")) else { return };
    const PHOTOGRAPHS: usize = 10;
    let labels = Labels::load(&set.join("annotations")).unwrap();
    let frames = detected(&model, &set.join("images"), &labels, PHOTOGRAPHS);
    assert!(frames.iter().map(|(truths, _)| truths.len()).sum::<usize>() > 4, "there is something to be found");
    let dir = tempfile::tempdir().unwrap();
    let named = |path: &Path| format!("yolox={}", path.display());
    let mut command = turbo(dir.path());
    command.args(["calibrate", "--json", "--out", "t.yaml", "--scenes", &PHOTOGRAPHS.to_string()]);
    command.args(["--vehicle-model", &named(&model), "--cloud-model", &named(&model)]);
    command.arg("--images").arg(set.join("images")).arg("--labels").arg(set.join("annotations"));
    let run = Program::start(&mut command).wait(PATIENCE);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let table: Value = serde_json::from_str(run.stdout.trim()).expect("one JSON object");
    assert_eq!(table["images"]["count"].as_u64(), Some(PHOTOGRAPHS as u64));
    assert!(table["provenance"].as_str().unwrap().contains("no model knows are left out: crosswalk, speedlimit"));
    let raw = |config: &str| {
        let entries = table["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["config"] == config).unwrap_or_else(|| panic!("no {config}")).clone()
    };
    let lossless = raw("yolox-imgcompNone-inpcompNone");
    assert_eq!(lossless["measured"], table["vehicle"]["measured"], "the same model on the same pixels");
    for key in ["payload_megabit_p99", "encode_ms_p50", "decode_ms_p95", "inference_ms_p50"] {
        assert!(lossless["costs"][key].as_f64().is_some_and(|value| value >= 0.0), "{key}: {lossless}");
    }
    let Some(theirs) = reference(&frames, u8::try_from(labels.classes().len()).unwrap()) else { return };
    close(table["vehicle"]["accuracy"].as_f64().unwrap(), &theirs["ap"], "AP in the table");
    let measured = &table["vehicle"]["measured"];
    close(measured["ap50"].as_f64().unwrap(), &theirs["ap50"], "AP50 in the table");
    for key in ["ap_small", "ap_medium", "ap_large"] {
        close(measured[key].as_f64().unwrap_or(-1.0), &theirs[key], &format!("{key} in the table"));
    }
    for theirs in theirs["per_class"].as_array().unwrap() {
        let name = &labels.classes()[theirs[0].as_u64().unwrap() as usize];
        close(measured["classes"][name]["ap"].as_f64().unwrap(), &theirs[1], &format!("AP of {name} in the table"));
        close(measured["classes"][name]["ap50"].as_f64().unwrap(), &theirs[2], &format!("AP50 of {name} in the table"));
    }
    assert!(compare(&frames, u8::try_from(labels.classes().len()).unwrap(), "photographs"));
}
