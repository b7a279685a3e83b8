//! Images and detections for Foxglove: its well-known schemas, as JSON, in an MCAP file.

mod base64;
mod size;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use mcap::records::MessageHeader;
use mcap::{WriteOptions, Writer};
use serde_json::{Value, json};

use crate::bounded;
use crate::error::ReportError;
use crate::logs::{LogKind, Place};
use crate::part::{Table, Wanted, read};
use crate::raw_frame::locate;
use crate::run::Run;

const RAW_IMAGE: &str = include_str!("raw_image.json");
const IMAGE_ANNOTATIONS: &str = include_str!("image_annotations.json");

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Images.
    pub images: u64,
    /// Images whose file is gone, or of no size that the configuration knows.
    pub images_left_out: u64,
    /// Frames with their boxes.
    pub detections: u64,
}

/// Writes `path`.
///
/// # Errors
/// [`ReportError::Write`] and [`ReportError::Mcap`], which name the file.
pub fn write(run: &Run, path: &Path) -> Result<Written, ReportError> {
    let file = File::create(path).map_err(|source| ReportError::Write { path: path.to_owned(), source })?;
    to(run, BufWriter::new(file))
        .map_err(|error| ReportError::Mcap { path: path.to_owned(), reason: error.to_string() })
}

struct Export<W: Write + Seek> {
    writer: Writer<W>,
    written: Written,
    sequence: u32,
    /// The moment of each frame as its image has it, so that boxes have exactly the same.
    moments: HashMap<(u16, i64), u64>,
}

fn to<W: Write + Seek>(run: &Run, out: W) -> mcap::McapResult<Written> {
    let options = WriteOptions::new().compression(None).profile("").library("turbo");
    let writer = Writer::with_options(out, options)?;
    let mut export = Export { writer, written: Written::default(), sequence: 0, moments: HashMap::new() };
    let sizes = size::Sizes::of(&run.info(Place::Car).map(|info| info.configuration()).unwrap_or_default());
    let image_schema = export.writer.add_schema("foxglove.RawImage", "jsonschema", RAW_IMAGE.as_bytes())?;
    let boxes_schema =
        export.writer.add_schema("foxglove.ImageAnnotations", "jsonschema", IMAGE_ANNOTATIONS.as_bytes())?;
    for log in run.of(LogKind::CameraContexts) {
        let service = log.id.service.unwrap_or_default();
        let channel = export.channel(image_schema, &format!("/camera/{service}/image"))?;
        for part in &log.parts {
            let Ok(table) = read(&part.path, Wanted::All) else { continue };
            export.images(service, channel, &part.path, &table, &sizes)?;
        }
    }
    for log in run.of(LogKind::ClientQueries) {
        let service = log.id.service.unwrap_or_default();
        let channel = export.channel(boxes_schema, &format!("/camera/{service}/detections"))?;
        for part in &log.parts {
            let Ok(table) = read(&part.path, Wanted::All) else { continue };
            export.detections(service, channel, &table)?;
        }
    }
    export.writer.finish()?;
    Ok(export.written)
}

impl<W: Write + Seek> Export<W> {
    fn channel(&mut self, schema: u16, topic: &str) -> mcap::McapResult<u16> {
        self.writer.add_channel(schema, topic, "json", &BTreeMap::new())
    }

    fn message(&mut self, channel_id: u16, ns: u64, message: &Value) -> mcap::McapResult<()> {
        let header = MessageHeader { channel_id, sequence: self.sequence, log_time: ns, publish_time: ns };
        self.sequence = self.sequence.wrapping_add(1);
        self.writer.write_to_known_channel(&header, message.to_string().as_bytes())
    }

    fn images(
        &mut self,
        service: u16,
        channel: u16,
        part: &Path,
        table: &Table,
        sizes: &size::Sizes,
    ) -> mcap::McapResult<()> {
        let numbers = table.integers("context_id").unwrap_or_default();
        let (at, age) =
            (table.floats("spawn_timestamp_secs").unwrap_or_default(), table.floats("image_age").unwrap_or_default());
        let paths = table.texts("camera_image_path").unwrap_or_default();
        for (((number, at), age), path) in numbers.iter().zip(at).zip(age).zip(paths) {
            let ns = nanos(at - age);
            if let Some(number) = number {
                self.moments.insert((service, *number), ns);
            }
            if path.is_empty() {
                continue;
            }
            let bytes = locate(path, part).and_then(|path| bounded::read(&path, bounded::MOST_PART_BYTES).ok());
            let found = bytes.and_then(|bytes| Some((sizes.fitting(bytes.len())?, bytes)));
            let Some(((width, height), bytes)) = found else {
                self.written.images_left_out += 1;
                continue;
            };
            let image = json!({
                "timestamp": stamp(ns), "frame_id": format!("camera_{service}"), "width": width, "height": height,
                "encoding": "rgb8", "step": width * 3, "data": base64::encode(&bytes),
            });
            self.message(channel, ns, &image)?;
            self.written.images += 1;
        }
        Ok(())
    }

    fn detections(&mut self, service: u16, channel: u16, table: &Table) -> mcap::McapResult<()> {
        let contexts = table.integers("frame_seq").or_else(|| table.integers("context_id")).unwrap_or_default();
        let columns =
            ["center.x", "center.y", "size.x", "size.y"].map(|field| format!("[CameraBoxComponent].box.{field}"));
        let boxes = columns.map(|column| table.floats(&column).unwrap_or_default());
        let classes = table.integers("[CameraBoxComponent].type").unwrap_or_default();
        let scores = table.floats("score").unwrap_or_default();
        let (start, age) =
            (table.floats("start_time_unix").unwrap_or_default(), table.floats("image_age").unwrap_or_default());
        let mut row = 0;
        while let Some(number) = contexts.get(row) {
            let rows = contexts.iter().skip(row).take_while(|next| *next == number).count();
            let captured =
                start.get(row).unwrap_or(&0.0) - age.get(row).copied().filter(|age| age.is_finite()).unwrap_or(0.0);
            let known = number.and_then(|number| self.moments.get(&(service, number)).copied());
            let ns = known.unwrap_or_else(|| nanos(captured));
            let (mut points, mut texts) = (Vec::new(), Vec::new());
            for row in row..row + rows {
                let [x, y, w, h] = boxes.each_ref().map(|cells| cells.get(row).copied().unwrap_or(f64::NAN));
                if [x, y, w, h].iter().all(|side| side.is_finite()) {
                    points.push(outline(ns, x, y, w, h));
                    let class = classes.get(row).copied().flatten().unwrap_or(-1);
                    let score = scores.get(row).copied().unwrap_or(f64::NAN);
                    texts.push(label(ns, x - w / 2.0, y - h / 2.0, &format!("{class} {score:.2}")));
                }
            }
            let message = json!({ "circles": [], "points": points, "texts": texts });
            self.message(channel, ns, &message)?;
            self.written.detections += 1;
            row += rows;
        }
        Ok(())
    }
}

/// `foxglove.PointsAnnotation`'s LINE_LOOP.
const LINE_LOOP: u8 = 2;

fn outline(ns: u64, x: f64, y: f64, w: f64, h: f64) -> Value {
    let corner = |right: f64, down: f64| json!({ "x": x + right * w / 2.0, "y": y + down * h / 2.0 });
    json!({
        "timestamp": stamp(ns), "type": LINE_LOOP,
        "points": [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)],
        "outline_color": { "r": 0.2, "g": 0.9, "b": 0.4, "a": 1.0 }, "outline_colors": [],
        "fill_color": { "r": 0.0, "g": 0.0, "b": 0.0, "a": 0.0 }, "thickness": 2.0,
    })
}

fn label(ns: u64, x: f64, y: f64, text: &str) -> Value {
    json!({
        "timestamp": stamp(ns), "position": { "x": x, "y": y }, "text": text, "font_size": 12.0,
        "text_color": { "r": 1.0, "g": 1.0, "b": 1.0, "a": 1.0 },
        "background_color": { "r": 0.0, "g": 0.0, "b": 0.0, "a": 0.6 },
    })
}

fn nanos(secs: f64) -> u64 {
    // Before 1970 and no number at all are 0: `as` takes them so.
    (secs * 1e9) as u64
}

fn stamp(ns: u64) -> Value {
    json!({ "sec": ns / 1_000_000_000, "nsec": ns % 1_000_000_000 })
}
