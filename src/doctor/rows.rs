//! A table's sizes and times, measured again on a few images.

use std::path::PathBuf;

use allocation::drift::Quantity;
use allocation::model_config::Payload;
use config::table::{TableEntry, UtilityTable};
use inference::codec::{ImageDecoder, ImageEncoder, WireCoding};
use inference::detector::Detector;
use inference::image::{RgbView, rgb_bytes};
use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use serde::Serialize;

use crate::calibrate::{Images, NamedModel, Photographs, Samples, Scenes, milliseconds};
use crate::failure::Failure;

/// One number of the table and what it is here.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The configuration, or the on-vehicle model.
    pub config: String,
    /// `payload`, `encode time` or `execution time`.
    pub quantity: &'static str,
    /// Mbit or ms.
    pub unit: &'static str,
    /// As measured now.
    pub live: f64,
    /// As the table says.
    pub table: f64,
    /// By which factor the two may differ.
    pub bound: f64,
    /// Whether they differ by more.
    pub drifted: bool,
}

/// What the rows are measured on.
pub struct Sight {
    /// Photographs in place of the images that the table was measured on.
    pub photographs: Option<PathBuf>,
    /// How many images.
    pub count: u32,
}

/// One configuration on its way through the images.
struct Trial<'a> {
    entry: &'a TableEntry,
    input: (u32, u32),
    /// Index of the detector, where it is at hand.
    detector: Option<usize>,
    megabit: Samples,
    encode_ms: Samples,
    execution_ms: Samples,
}

/// Every number of the table that can be measured with these detectors (and whether each is the vehicle's); or why none
/// can.
///
/// # Errors
/// [`Failure`] where an image, codec or detector fails.
pub fn measured(
    table: &UtilityTable,
    mut detectors: Vec<(NamedModel, bool, Detector)>,
    sight: &Sight,
) -> Result<Result<Vec<Row>, String>, Failure> {
    let images = match (&sight.photographs, &table.images) {
        (Some(dir), _) => Images::Photographs(Photographs::unlabelled(dir, sight.count)?),
        (None, Some(images)) => match images.street_seed {
            Some(seed) => Images::Street(Scenes { count: sight.count, seed, size: (images.width, images.height) }),
            None => return Ok(Err("the table was measured on photographs: give --images DIR with such".to_owned())),
        },
        (None, None) => {
            return Ok(
                Err("the table does not say on which images it is true: give --images DIR with such".to_owned()),
            );
        }
    };
    let place = |name: &str| detectors.iter().position(|(model, vehicle, _)| !vehicle && model.name == name);
    let recorded = |name: &str| {
        let model = table.models.as_deref()?.iter().find(|model| model.name == name)?;
        Some((model.input_width, model.input_height))
    };
    let trials = table.entries.iter().filter_map(|entry| {
        let detector = place(&entry.config.model);
        let loaded = detector.and_then(|at| detectors.get(at)).map(|(_, _, detector)| detector.input_size());
        let input = loaded.or_else(|| recorded(&entry.config.model))?;
        let (megabit, encode_ms, execution_ms) = Default::default();
        Some(Trial { entry, input, detector, megabit, encode_ms, execution_ms })
    });
    let mut trials: Vec<Trial<'_>> = trials.collect();
    let (mut encoder, mut decoder) = (ImageEncoder::new(), ImageDecoder::new());
    let (mut slot, mut pixels, mut found) = (Vec::new(), Vec::new(), Detections::new());
    let mut vehicle_ms = Samples::default();
    let mut warm = false;
    images.visit(&[], |_, frame, _| {
        // The first image is taken twice: the first time fills caches and buffers.
        for counts in if warm { &[true][..] } else { &[false, true][..] } {
            for trial in &mut trials {
                let detector = trial.detector.and_then(|at| detectors.get_mut(at)).map(|(_, _, detector)| detector);
                trial.run(frame, *counts, &mut encoder, &mut decoder, &mut slot, &mut pixels, detector)?;
            }
            for (_, vehicle, detector) in &mut detectors {
                if *vehicle {
                    let times = detector.detect_frame(frame, &mut found).map_err(Failure::run)?;
                    if *counts {
                        vehicle_ms.add(milliseconds(times.total()));
                    }
                }
            }
            warm = true;
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    if vehicle_ms.count() > 0 {
        let live = vehicle_ms.quantile(0.95);
        rows.push(row(table.vehicle.model.clone(), Quantity::ExecutionMs, live, table.vehicle.execution_ms_p95));
    }
    rows.extend(trials.iter().flat_map(Trial::rows));
    Ok(if rows.is_empty() { Err("no model of the table is at hand".to_owned()) } else { Ok(rows) })
}

impl Trial<'_> {
    #[expect(clippy::too_many_arguments, reason = "buffers that are kept from image to image")]
    fn run(
        &mut self,
        frame: RgbView<'_>,
        counts: bool,
        encoder: &mut ImageEncoder,
        decoder: &mut ImageDecoder,
        slot: &mut Vec<u8>,
        pixels: &mut Vec<u8>,
        detector: Option<&mut Detector>,
    ) -> Result<(), Failure> {
        let payload = self.entry.config.payload;
        let bytes = |(width, height)| rgb_bytes(width, height).unwrap_or(0);
        let room = bytes((frame.width(), frame.height())).max(bytes(self.input)) / 2 * 3 + (1 << 16);
        slot.resize(slot.len().max(room), 0);
        let start = Monotonic::now();
        let encoded = encoder.encode(payload, self.input, frame, slot).map_err(Failure::run)?;
        let encode_ms = milliseconds(start.elapsed());
        let sent = slot.get(..encoded.bytes).unwrap_or_default();
        if counts {
            self.encode_ms.add(encode_ms);
            self.megabit.add(sent.len() as f64 * 8.0 / 1e6);
        }
        let Some(detector) = detector else { return Ok(()) };
        let mut found = Detections::new();
        let start = Monotonic::now();
        let (width, height) = decoder
            .decode(WireCoding::of(payload), sent, encoded.width, encoded.height, pixels)
            .map_err(Failure::run)?;
        let seen = RgbView::new(pixels, width, height).map_err(Failure::run)?;
        match payload {
            Payload::Frame(_) => detector.detect_frame(seen, &mut found),
            Payload::Input(_) | Payload::RawInput => {
                detector.detect_input(seen, (frame.width(), frame.height()), &mut found)
            }
        }
        .map_err(Failure::run)?;
        if counts {
            self.execution_ms.add(milliseconds(start.elapsed()));
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let entry = self.entry;
        let config = || entry.config.to_string();
        // Medians where the table has them: of a few images a 95th percentile is the slowest one.
        let (share, encode) =
            entry.costs.as_ref().map_or((0.95, entry.encode_ms_p95), |costs| (0.5, costs.encode_ms_p50));
        let sizes = row(config(), Quantity::PayloadMegabit, self.megabit.mean(), entry.payload_megabit_mean);
        let encode = row(config(), Quantity::EncodeMs, self.encode_ms.quantile(share), encode);
        let executed = self.execution_ms.count() > 0;
        let execution = executed
            .then(|| row(config(), Quantity::ExecutionMs, self.execution_ms.quantile(0.5), entry.execution_ms_p50));
        [sizes, encode].into_iter().chain(execution)
    }
}

fn row(config: String, quantity: Quantity, live: f64, table: f64) -> Row {
    let (unit, bound, drifted) = (quantity.unit(), quantity.bound(), quantity.drifted(live, table));
    Row { config, quantity: quantity.name(), unit, live, table, bound, drifted }
}
