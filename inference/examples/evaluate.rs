//! The accuracy of a model, by the code that runs in the car, on frames rendered for training:
//! `cargo run --release -p inference --example evaluate -- MODEL.onnx FOLDER`, where the folder has `frames.rgb` (packed
//! RGB, one frame after the other) and `labels.json` (COCO).

use std::error::Error;
use std::io::Read;
use std::path::Path;

use inference::accuracy::{AccuracyAccumulator, Truth};
use inference::classes::{map_classes, map_detections};
use inference::detector::{DetectTimes, Detector};
use inference::image::RgbView;
use rt_core::detections::Detections;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder] = arguments.as_slice() else { return Err("usage: evaluate MODEL.onnx FOLDER".into()) };
    let folder = Path::new(folder);
    let labels: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("labels.json"))?)?;
    let list = |key: &str| labels.get(key).and_then(Value::as_array).ok_or(format!("labels.json has no list {key:?}"));
    let categories: Vec<(u64, String)> = list("categories")?
        .iter()
        .filter_map(|category| Some((category.get("id")?.as_u64()?, category.get("name")?.as_str()?.to_owned())))
        .collect();
    let names: Vec<String> = categories.iter().map(|(_, name)| name.clone()).collect();
    let mut detector = Detector::load(Path::new(model), 1)?;
    let map = map_classes(&detector.info().classes, &names);
    let mut frames = std::io::BufReader::new(std::fs::File::open(folder.join("frames.rgb"))?);
    let (mut accumulator, mut pixels, mut found) = (AccuracyAccumulator::new(), Vec::new(), Detections::new());
    let mut spent = DetectTimes::default();
    for image in list("images")? {
        let number =
            |key: &str| image.get(key).and_then(Value::as_u64).ok_or(format!("an image has no number {key:?}"));
        let (width, height) = (u32::try_from(number("width")?)?, u32::try_from(number("height")?)?);
        pixels.resize(width as usize * height as usize * 3, 0);
        frames.read_exact(&mut pixels)?;
        let times = detector.detect_frame(RgbView::new(&pixels, width, height)?, &mut found)?;
        spent.prepare += times.prepare;
        spent.inference += times.inference;
        spent.finish += times.finish;
        map_detections(&map, &mut found);
        let id = number("id")?;
        let here = |truth: &&Value| truth.get("image_id").and_then(Value::as_u64) == Some(id);
        let truths: Vec<Truth> =
            list("annotations")?.iter().filter(here).filter_map(|truth| to_truth(truth, &categories)).collect();
        accumulator.add(&truths, &found);
    }
    let result = accumulator.finish();
    println!(
        "frames {}, AP {:.4}, AP50 {:.4}",
        accumulator.frames(),
        result.ap.unwrap_or(0.0),
        result.ap50.unwrap_or(0.0)
    );
    for class in &result.per_class {
        let name = names.get(usize::from(class.class)).map_or("?", String::as_str);
        println!("{name:16} AP {:.4}, AP50 {:.4}, {} truths", class.ap, class.ap50, class.truths);
    }
    let each = |total: std::time::Duration| total.as_secs_f64() * 1e3 / accumulator.frames().max(1) as f64;
    println!(
        "mean ms: prepare {:.2}, inference {:.2}, finish {:.3}",
        each(spent.prepare),
        each(spent.inference),
        each(spent.finish)
    );
    Ok(())
}

fn to_truth(annotation: &Value, categories: &[(u64, String)]) -> Option<Truth> {
    let category = annotation.get("category_id")?.as_u64()?;
    let class = u8::try_from(categories.iter().position(|(id, _)| *id == category)?).ok()?;
    let corner = |index: usize| Some(annotation.get("bbox")?.get(index)?.as_f64()? as f32);
    let (x_min, y_min, width, height) = (corner(0)?, corner(1)?, corner(2)?, corner(3)?);
    let crowd = annotation.get("iscrowd").and_then(Value::as_u64) == Some(1);
    let area = annotation.get("area").and_then(Value::as_f64).map(|area| area as f32);
    Some(Truth { x_min, y_min, x_max: x_min + width, y_max: y_min + height, class, crowd, area })
}
