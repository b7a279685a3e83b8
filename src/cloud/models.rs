//! Every model of the menu, loaded for one worker, and the way of a request through them.

use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use config::cloud::ModelFile;
use inference::codec::{CodecError, ImageDecoder, ImageEncoder, WireCoding};
use inference::detector::{DetectError, DetectTimes, Detector, LoadError};
use inference::image::{ImageSizeError, RgbView};
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::Detections;
use transport::wire::frame::{FrameFlags, FrameHeader};
use transport::wire::menu::ModelEntry;

/// Runs thrown away before measuring: the first ones fill caches and buffers.
const WARM_UP_RUNS: usize = 2;
/// Runs measured; the gateway replaces the figures by those of real requests as soon as it has some.
const MEASURED_RUNS: usize = 7;
/// Largest side a menu can say, pixels.
const MENU_SIDE_MAX: u16 = u16::MAX;

/// One worker's models, in the order of the menu.
pub(super) struct Models {
    loaded: Vec<Loaded>,
    decoder: ImageDecoder,
    /// The decoded image.
    pixels: Vec<u8>,
}

struct Loaded {
    name: String,
    detector: Detector,
    /// The fastest inference seen: a request that has less time left cannot make its deadline.
    fastest: Duration,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Detected; image decoding is part of `prepare`.
    Detected(DetectTimes),
    /// There was not enough time left for the model.
    Expired,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// The gateway lets no such request through.
    #[error("model number {0} is not on the menu")]
    UnknownModel(u16),
    /// The payload is no whole image.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The decoder gave another size than it said.
    #[error(transparent)]
    Size(#[from] ImageSizeError),
    /// The detector failed.
    #[error(transparent)]
    Detect(#[from] DetectError),
}

impl Models {
    /// Loads every file; call it on the thread that will detect, once that is pinned.
    pub(super) fn load(files: &[ModelFile], threads: usize) -> Result<Self, LoadError> {
        let load = |file: &ModelFile| {
            let detector = Detector::load(&file.file, threads)?;
            Ok(Loaded { name: file.name.clone(), detector, fastest: Duration::MAX })
        };
        let loaded = files.iter().map(load).collect::<Result<_, LoadError>>()?;
        Ok(Self { loaded, decoder: ImageDecoder::new(), pixels: Vec::new() })
    }

    /// What was assumed of the models, in words for a person.
    pub(super) fn notes(&self) -> Vec<String> {
        let notes = |loaded: &Loaded| {
            let name = loaded.name.clone();
            loaded.detector.info().assumed.clone().into_iter().map(move |note| format!("model {name}: {note}"))
        };
        self.loaded.iter().flat_map(notes).collect()
    }

    /// Takes a request of each model the whole way a few times; the menu with the times of that.
    pub(super) fn measure(&mut self) -> Result<Vec<ModelEntry>, RequestError> {
        let mut entries = Vec::new();
        for (number, place) in (0_u16..).zip(0..self.loaded.len()) {
            let Some((info, name)) = self.loaded.get(place).map(|one| (one.detector.info().clone(), one.name.clone()))
            else {
                continue;
            };
            let (header, payload) = sample(number, (info.input_width, info.input_height))?;
            let mut took = Vec::with_capacity(MEASURED_RUNS);
            let mut detections = Detections::new();
            for run in 0..WARM_UP_RUNS + MEASURED_RUNS {
                let deadline = Deadline::after_capture(Monotonic::now(), Duration::from_secs(3600));
                let outcome = self.detect(&header, &payload, deadline, &mut detections)?;
                match outcome {
                    Outcome::Detected(times) if run >= WARM_UP_RUNS => took.push(times.total()),
                    _ => {}
                }
            }
            took.sort_unstable();
            let at = |rank: usize| took.get(rank).map_or(0, |took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
            entries.push(ModelEntry {
                name,
                input_width: u16::try_from(info.input_width).unwrap_or(MENU_SIDE_MAX),
                input_height: u16::try_from(info.input_height).unwrap_or(MENU_SIDE_MAX),
                classes: info.classes,
                p50_us: at(took.len() / 2),
                p95_us: at(took.len().saturating_sub(1)),
                workers: 0,
            });
        }
        Ok(entries)
    }

    /// Decodes and detects; `detections` come in pixels of the camera frame.
    pub(super) fn detect(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        deadline: Deadline,
        detections: &mut Detections,
    ) -> Result<Outcome, RequestError> {
        detections.clear();
        let model = self.loaded.get_mut(usize::from(header.model)).ok_or(RequestError::UnknownModel(header.model))?;
        let start = Monotonic::now();
        let (width, height) = (u32::from(header.width), u32::from(header.height));
        self.decoder.decode(WireCoding::of(header.payload), payload, width, height, &mut self.pixels)?;
        let image = RgbView::new(&self.pixels, width, height)?;
        let decoded = start.elapsed();
        let least = if model.fastest == Duration::MAX { Duration::ZERO } else { model.fastest };
        if deadline.budget_at(Monotonic::now()) <= least {
            return Ok(Outcome::Expired);
        }
        let frame = (u32::from(header.frame_width), u32::from(header.frame_height));
        let mut times = match header.payload {
            Payload::Frame(_) => model.detector.detect_frame(image, detections),
            Payload::Input(_) | Payload::RawInput => model.detector.detect_input(image, frame, detections),
        }?;
        model.fastest = model.fastest.min(times.inference);
        times.prepare += decoded;
        Ok(Outcome::Detected(times))
    }
}

/// A request as a car would send it: a chequered input as JPEG, so that the decoder has something to do.
fn sample(model: u16, input: (u32, u32)) -> Result<(FrameHeader, Vec<u8>), RequestError> {
    let (width, height) = input;
    let shade = |x: u32, y: u32| if (x / 8 + y / 8).is_multiple_of(2) { [40, 90, 140] } else { [200, 150, 100] };
    let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| shade(x, y))).collect();
    let image = RgbView::new(&pixels, width, height)?;
    let payload = Payload::Input(Coding::Jpeg(75));
    let mut slot = vec![0; pixels.len() + 64 * 1024];
    let coded = ImageEncoder::new().encode(payload, input, image, &mut slot)?;
    slot.truncate(coded.bytes);
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    let header = FrameHeader {
        service: 1,
        seq: 0,
        budget: Duration::from_secs(1),
        model,
        payload,
        width: side(width),
        height: side(height),
        frame_width: side(width),
        frame_height: side(height),
        payload_bytes: u32::try_from(slot.len()).unwrap_or(u32::MAX),
        sent_ns: 0,
        flags: FrameFlags::default(),
    };
    Ok((header, slot))
}
