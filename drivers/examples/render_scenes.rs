//! Renders labelled pictures of the synthetic street for training and evaluation.
//!
//! `cargo run --release -p drivers --example render_scenes -- --seed 1000 --cameras 4 --scenes 50 --frames-stride 20 --out DIR`
//! writes `DIR/frames.rgb` (packed RGB8 frames, one after another) and `DIR/labels.json` (COCO).

use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::time::Duration;

use drivers::synthetic::{CLASSES, StreetScene, TruthBoxes};
use rt_core::clock::Monotonic;
use serde_json::json;

fn number(name: &str, default: u64) -> Result<u64, Error> {
    text(name).map_or(Ok(default), |value| {
        value.parse().map_err(|e| Error::other(format!("{name} wants a whole number, not {value:?}: {e}")))
    })
}

fn text(name: &str) -> Option<String> {
    std::env::args().skip_while(|a| a != name).nth(1)
}

fn main() -> Result<(), Error> {
    let (seed, cameras, scenes) = (number("--seed", 1)?, number("--cameras", 4)?, number("--scenes", 10)?);
    let (stride, width, height) =
        (number("--frames-stride", 20)?.max(1), number("--width", 960)?, number("--height", 576)?);
    let out = text("--out").ok_or_else(|| Error::other("--out DIR is missing"))?;
    std::fs::create_dir_all(&out)?;
    let mut pixels = BufWriter::with_capacity(1 << 22, File::create(format!("{out}/frames.rgb"))?);
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    let mut truth = TruthBoxes::default();
    let mut spent = Duration::ZERO;
    for camera in 0..cameras {
        let mut scene = StreetScene::new(seed, camera as u32, width as u32, height as u32);
        let mut frame = vec![0; scene.bytes()];
        for at in (0..scenes * scene.frames_per_scene()).step_by(stride as usize) {
            let begun = Monotonic::now();
            scene.render(at, &mut frame).map_err(Error::other)?;
            spent += begun.elapsed();
            scene.truth(at, &mut truth);
            pixels.write_all(&frame)?;
            let image = images.len();
            images.push(json!({"id": image, "width": width, "height": height, "camera": camera, "frame": at}));
            for b in truth.iter() {
                let (w, h) = (b.x1 - b.x0, b.y1 - b.y0);
                annotations.push(json!({
                    "id": annotations.len() + 1, "image_id": image, "category_id": b.class + 1,
                    "bbox": [b.x0, b.y0, w, h], "area": w * h, "iscrowd": 0, "visible": b.visible,
                }));
            }
        }
    }
    pixels.flush()?;
    let categories: Vec<_> = CLASSES.iter().enumerate().map(|(k, name)| json!({"id": k + 1, "name": name})).collect();
    let count = images.len();
    let labels =
        json!({"info": {"seed": seed}, "images": images, "annotations": annotations, "categories": categories});
    serde_json::to_writer(BufWriter::new(File::create(format!("{out}/labels.json"))?), &labels)?;
    println!("{count} frames, {:.2} ms each", spent.as_secs_f64() * 1e3 / count.max(1) as f64);
    Ok(())
}
