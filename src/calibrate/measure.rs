//! Measures one model, frame by frame.

use std::time::Duration;

use allocation::model_config::Payload;
use config::table::{TableEntry, VehicleEntry};
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

    /// What the table says of it.
    #[must_use]
    pub fn entry(&self) -> VehicleEntry {
        VehicleEntry {
            model: self.model.name.clone(),
            execution_ms_p95: rounded(self.execution_ms.quantile(0.95), 2),
            accuracy: rounded(self.accuracy.finish().ap.unwrap_or(0.0), 4),
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
    execution_ms: Samples,
    accuracy: AccuracyAccumulator,
}

impl CloudMeasurement {
    /// Makes `model` ready for frames of `size` (width, height) sent as each of `payloads`.
    ///
    /// # Errors
    /// Where the detector or a codec fails.
    pub fn new(model: Model, payloads: &[Payload], size: (u32, u32)) -> Result<Self, Failure> {
        let (width, height) = model.detector.input_size();
        let bytes = |(width, height)| rgb_bytes(width, height).unwrap_or(0);
        // Noise makes a PNG, or a JPEG of high quality, somewhat larger than its pixels.
        let capacity = bytes(size).max(bytes((width, height))) / 2 * 3 + (1 << 16);
        let mut new = Self {
            model,
            payloads: Vec::new(),
            encoder: ImageEncoder::new(),
            decoder: ImageDecoder::new(),
            slot: vec![0; capacity],
            pixels: Vec::new(),
            found: Detections::new(),
        };
        let grey = vec![114; bytes(size)];
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
            let detector = &mut self.model.detector;
            let seen = RgbView::new(&self.pixels, width, height).map_err(Failure::run)?;
            match kept.payload {
                Payload::Frame(_) => detector.detect_frame(seen, &mut self.found),
                Payload::Input(_) | Payload::RawInput => {
                    detector.detect_input(seen, (frame.width(), frame.height()), &mut self.found)
                }
            }
            .map_err(Failure::run)?;
            kept.execution_ms.add(milliseconds(start.elapsed()));
            self.model.rename_classes(&mut self.found);
            kept.accuracy.add(truths, &self.found);
        }
        Ok(())
    }

    /// What the table says of its configurations.
    pub fn entries(&self) -> impl Iterator<Item = TableEntry> {
        self.payloads.iter().map(|kept| kept.entry(&self.model.name))
    }
}

impl PayloadMeasurement {
    fn new(payload: Payload) -> Self {
        let accuracy = AccuracyAccumulator::new();
        let (megabit, encode_ms, execution_ms) = <(Samples, Samples, Samples)>::default();
        Self { payload, megabit, encode_ms, execution_ms, accuracy }
    }

    fn entry(&self, model: &str) -> TableEntry {
        let megabit = |value: f64| rounded(value, 4).max(MIN_MEGABIT);
        TableEntry {
            config: configuration(model, self.payload),
            payload_megabit_p50: megabit(self.megabit.quantile(0.5)),
            payload_megabit_p95: megabit(self.megabit.quantile(0.95)),
            payload_megabit_mean: megabit(self.megabit.mean()),
            encode_ms_p95: rounded(self.encode_ms.quantile(0.95), 2),
            execution_ms_p50: rounded(self.execution_ms.quantile(0.5), 2),
            execution_ms_p95: rounded(self.execution_ms.quantile(0.95), 2),
            accuracy: rounded(self.accuracy.finish().ap.unwrap_or(0.0), 4),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
