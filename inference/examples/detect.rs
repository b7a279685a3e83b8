//! Detects on one photograph: `cargo run --release -p inference --example detect -- MODEL IMAGE [OUT.png]`.

use std::error::Error;
use std::path::Path;

use inference::codec::{ImageDecoder, WireCoding};
use inference::detector::Detector;
use inference::image::RgbView;
use inference::overlay::Overlay;
use rt_core::detections::Detections;

/// Lower scores are printed but not drawn.
const DRAWN_FROM: f32 = 0.3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, image, out) = match arguments.as_slice() {
        [model, image] => (model, image, None),
        [model, image, out] => (model, image, Some(out)),
        _ => return Err("usage: detect MODEL.onnx IMAGE.jpg|IMAGE.png [OUT.png]".into()),
    };
    let mut detector = Detector::load(Path::new(model), 1)?;
    let info = detector.info().clone();
    println!("{} {}x{}, {} classes", info.family, info.input_width, info.input_height, info.classes.len());
    for assumed in &info.assumed {
        println!("assumed: {assumed}");
    }
    let bytes = std::fs::read(image)?;
    let coding = WireCoding::sniff(&bytes).ok_or_else(|| format!("{image} is neither JPEG nor PNG"))?;
    let (width, height) = ImageDecoder::size(coding, &bytes)?;
    let mut pixels = Vec::new();
    ImageDecoder::new().decode(coding, &bytes, width, height, &mut pixels)?;
    let frame = RgbView::new(&pixels, width, height)?;
    let mut detections = Detections::new();
    detector.warm_up((width, height))?;
    let times = detector.detect_frame(frame, &mut detections)?;
    for found in &detections {
        let name = info.classes.get(usize::from(found.class)).map_or("?", String::as_str);
        let (x_min, y_min, x_max, y_max) = (found.x_min, found.y_min, found.x_max, found.y_max);
        println!("{name:16} {:.3}  {x_min:7.1} {y_min:7.1} {x_max:7.1} {y_max:7.1}", found.score);
    }
    println!("prepare {:?}, inference {:?}, finish {:?}", times.prepare, times.inference, times.finish);
    if let Some(out) = out {
        let mut overlay = Overlay::new(frame);
        let drawn: Vec<_> = detections.iter().copied().filter(|found| found.score >= DRAWN_FROM).collect();
        overlay.detections(&drawn, &info.classes);
        overlay.write_png(Path::new(out))?;
    }
    Ok(())
}
