//! Measures one model, frame by frame.

use std::time::Duration;

use allocation::model_config::Payload;
use config::table::{ClassAccuracy, MeasuredAccuracy, MeasuredCosts, TableEntry, VehicleEntry};
use inference::accuracy::{AccuracyAccumulator, Truth};
use inference::codec::{ImageDecoder, ImageEncoder, WireCoding};
use inference::image::{RgbView, rgb_bytes};
use rt_core::clock::Monotonic;
use rt_core::detections::Detections;

use super::configuration;
use super::models::Model;
use super::samples::{Samples, rounded};

use crate::failure::Failure;

/// The smallest payload that a table may name.
const MIN_MEGABIT: f64 = 0.0001;

/// The on-vehicle detector.
pub struct VehicleMeasurement {
    model: Model,
    execution_ms: Samples,
    accuracy: AccuracyAccumulator,
    found: Detections,
}

impl VehicleMeasurement {
    /// Makes `model` ready for frames of `size` (width, height).
    ///
    /// # Errors
    /// Where the detector fails.
    pub fn new(mut model: Model, size: (u32, u32)) -> Result<Self, Failure> {
        model.detector.warm_up(size).map_err(Failure::run)?;
        let (execution_ms, accuracy) = (Samples::default(), AccuracyAccumulator::new());
        Ok(Self { model, execution_ms, accuracy, found: Detections::new() })
    }

    /// Detects on one frame.
    ///
    /// # Errors
    /// Where the detector fails.
    pub fn add(&mut self, frame: RgbView<'_>, truths: &[Truth]) -> Result<(), Failure> {
        let times = self.model.detector.detect_frame(frame, &mut self.found).map_err(Failure::run)?;
        self.execution_ms.add(milliseconds(times.total()));
        self.model.rename_classes(&mut self.found);
        self.accuracy.add(truths, &self.found);
        Ok(())
    }

    /// What the table says of it; `classes` are the names of those of the truth.
    #[must_use]
    pub fn entry(&self, classes: &[String]) -> VehicleEntry {
        let (accuracy, measured) = accuracies(&self.accuracy, classes);
        VehicleEntry {
            model: self.model.name.clone(),
            execution_ms_p95: rounded(self.execution_ms.quantile(0.95), 2),
            accuracy,
            measured: Some(measured),
        }
    }
}

/// One model of the cloud with all its payloads.
pub struct CloudMeasurement {
    model: Model,
    payloads: Vec<PayloadMeasurement>,
    encoder: ImageEncoder,
    decoder: ImageDecoder,
    /// Where the car encodes to.
    slot: Vec<u8>,
    /// What the cloud decodes.
    pixels: Vec<u8>,
    found: Detections,
}

struct PayloadMeasurement {
    payload: Payload,
    megabit: Samples,
    encode_ms: Samples,
    decode_ms: Samples,
    inference_ms: Samples,
    execution_ms: Samples,
    accuracy: AccuracyAccumulator,
}

impl CloudMeasurement {
    /// Makes `model` ready for frames of `size` (width, height) sent as each of `payloads`.
    ///
    /// # Errors
    /// Where the detector or a codec fails.
    pub fn new(model: Model, payloads: &[Payload], size: (u32, u32)) -> Result<Self, Failure> {
        let mut new = Self {
            model,
            payloads: Vec::new(),
            encoder: ImageEncoder::new(),
            decoder: ImageDecoder::new(),
            slot: Vec::new(),
            pixels: Vec::new(),
            found: Detections::new(),
        };
        let grey = vec![114; rgb_bytes(size.0, size.1).unwrap_or(0)];
        let frame = RgbView::new(&grey, size.0, size.1).map_err(Failure::run)?;
        new.payloads = payloads.iter().map(|payload| PayloadMeasurement::new(*payload)).collect();
        new.add(frame, &[])?;
        new.payloads = payloads.iter().map(|payload| PayloadMeasurement::new(*payload)).collect();
        Ok(new)
    }

    /// Sends one frame as every payload and detects on what arrives.
    ///
    /// # Errors
    /// Where the detector or a codec fails.
    pub fn add(&mut self, frame: RgbView<'_>, truths: &[Truth]) -> Result<(), Failure> {
        let input_size = self.model.detector.input_size();
        let bytes = |(width, height)| rgb_bytes(width, height).unwrap_or(0);
        // Noise makes a PNG, or a JPEG of high quality, somewhat larger than its pixels. Grown before any clock runs.
        let capacity = bytes((frame.width(), frame.height())).max(bytes(input_size)) / 2 * 3 + (1 << 16);
        self.slot.resize(self.slot.len().max(capacity), 0);
        for kept in &mut self.payloads {
            let start = Monotonic::now();
            let encoded = self.encoder.encode(kept.payload, input_size, frame, &mut self.slot).map_err(Failure::run)?;
            kept.encode_ms.add(milliseconds(start.elapsed()));
            let sent = self.slot.get(..encoded.bytes).unwrap_or_default();
            kept.megabit.add(sent.len() as f64 * 8.0 / 1e6);

            let start = Monotonic::now();
            let (width, height) = self
                .decoder
                .decode(WireCoding::of(kept.payload), sent, encoded.width, encoded.height, &mut self.pixels)
                .map_err(Failure::run)?;
            kept.decode_ms.add(milliseconds(start.elapsed()));
            let detector = &mut self.model.detector;
            let seen = RgbView::new(&self.pixels, width, height).map_err(Failure::run)?;
            let times = match kept.payload {
                Payload::Frame(_) => detector.detect_frame(seen, &mut self.found),
                Payload::Input(_) | Payload::RawInput => {
                    detector.detect_input(seen, (frame.width(), frame.height()), &mut self.found)
                }
            }
            .map_err(Failure::run)?;
            kept.inference_ms.add(milliseconds(times.inference));
            kept.execution_ms.add(milliseconds(start.elapsed()));
            self.model.rename_classes(&mut self.found);
            kept.accuracy.add(truths, &self.found);
        }
        Ok(())
    }

    /// What the table says of its configurations; `classes` are the names of those of the truth.
    pub fn entries(&self, classes: &[String]) -> impl Iterator<Item = TableEntry> {
        self.payloads.iter().map(|kept| kept.entry(&self.model.name, classes))
    }
}

impl PayloadMeasurement {
    fn new(payload: Payload) -> Self {
        let samples = Samples::default;
        Self {
            payload,
            megabit: samples(),
            encode_ms: samples(),
            decode_ms: samples(),
            inference_ms: samples(),
            execution_ms: samples(),
            accuracy: AccuracyAccumulator::new(),
        }
    }

    fn entry(&self, model: &str, classes: &[String]) -> TableEntry {
        let megabit = |value: f64| rounded(value, 4).max(MIN_MEGABIT);
        let ms = |samples: &Samples, share: f64| rounded(samples.quantile(share), 2);
        let (accuracy, measured) = accuracies(&self.accuracy, classes);
        TableEntry {
            config: configuration(model, self.payload),
            payload_megabit_p50: megabit(self.megabit.quantile(0.5)),
            payload_megabit_p95: megabit(self.megabit.quantile(0.95)),
            payload_megabit_mean: megabit(self.megabit.mean()),
            encode_ms_p95: ms(&self.encode_ms, 0.95),
            execution_ms_p50: ms(&self.execution_ms, 0.5),
            execution_ms_p95: ms(&self.execution_ms, 0.95),
            accuracy,
            costs: Some(MeasuredCosts {
                payload_megabit_p99: megabit(self.megabit.quantile(0.99)),
                payload_megabit_max: megabit(self.megabit.quantile(1.0)),
                encode_ms_p50: ms(&self.encode_ms, 0.5),
                decode_ms_p50: ms(&self.decode_ms, 0.5),
                decode_ms_p95: ms(&self.decode_ms, 0.95),
                inference_ms_p50: ms(&self.inference_ms, 0.5),
                inference_ms_p95: ms(&self.inference_ms, 0.95),
            }),
            measured: Some(measured),
        }
    }
}

/// The mean over the classes, and what is behind it.
fn accuracies(accumulator: &AccuracyAccumulator, classes: &[String]) -> (f64, MeasuredAccuracy) {
    let found = accumulator.finish();
    let share = |value: f64| rounded(value, 4);
    let by_class = found.per_class.iter().filter_map(|class| {
        let accuracy = ClassAccuracy { ap: share(class.ap), ap50: share(class.ap50) };
        Some((classes.get(usize::from(class.class))?.clone(), accuracy))
    });
    let measured = MeasuredAccuracy {
        ap50: share(found.ap50.unwrap_or(0.0)),
        ap_small: found.ap_small.map(share),
        ap_medium: found.ap_medium.map(share),
        ap_large: found.ap_large.map(share),
        classes: by_class.collect(),
    };
    (share(found.ap.unwrap_or(0.0)), measured)
}

/// A duration as tables have it.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
