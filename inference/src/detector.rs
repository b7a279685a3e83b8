//! The whole way from pixels to boxes, for one model on one thread.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;

use crate::engine::{Engine, EngineError, EngineLoadError, RtenEngine};
use crate::family::{DecodeError, DetectionHead, Family, RecogniseError, Recognised, recognise};
use crate::image::RgbView;
use crate::letterbox::{Letterbox, LetterboxError, Letterboxer};

/// What is known of a loaded model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// Class names; [`rt_core::detections::Detection::class`] is an index into them.
    pub classes: Vec<String>,
    /// Width of the input, pixels.
    pub input_width: u32,
    /// Height of the input, pixels.
    pub input_height: u32,
    /// Which kind of detector it is.
    pub family: Family,
    /// Size of the file.
    pub file_bytes: u64,
    /// FNV-1a, 64 bits, of the file: tells models apart in caches and logs, not against an attacker.
    pub fnv1a64: u64,
    /// What the file does not say and was assumed, in words; empty where its metadata is complete.
    pub assumed: Vec<String>,
}

/// How long the parts of a detection took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectTimes {
    /// Letterbox and normalisation.
    pub prepare: Duration,
    /// The model.
    pub inference: Duration,
    /// Boxes from raw outputs, in pixels of the frame.
    pub finish: Duration,
}

impl DetectTimes {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.prepare + self.inference + self.finish
    }
}

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine cannot run the file.
    #[error(transparent)]
    Engine(#[from] EngineLoadError),
    /// The file runs, but is not a detector that is understood.
    #[error("model {path}: {source}", path = path.display())]
    Recognise {
        /// The file.
        path: PathBuf,
        /// What was found and what would be right.
        source: RecogniseError,
    },
}

/// Why one detection failed.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum DetectError {
    /// The frame could not be brought to the model's input.
    #[error(transparent)]
    Letterbox(#[from] LetterboxError),
    /// An input that should have the model's size has not.
    #[error("the model's input is {expected:?} pixels (width, height), the image is {found:?}")]
    InputSize {
        /// Width and height of the model's input.
        expected: (u32, u32),
        /// Width and height given.
        found: (u32, u32),
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The outputs were not what they were at load.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A loaded model with all the memory it needs; one thread uses it at a time.
///
/// After the first frame nothing is allocated but by the engine and, where a frame has to be resized, by the resizer,
/// which computes its filter weights anew each time (one small block for each row and column of the result).
///
/// ```no_run
/// use inference::{detector::Detector, image::RgbView};
/// let mut detector = Detector::load("inference/models/edd1.onnx".as_ref(), 1)?;
/// let pixels = vec![0_u8; 1280 * 720 * 3];
/// let mut detections = rt_core::detections::Detections::new();
/// detector.detect_frame(RgbView::new(&pixels, 1280, 720)?, &mut detections)?;
/// for found in &detections {
///     println!("{} {:.2}", detector.info().classes[usize::from(found.class)], found.score);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Detector {
    engine: Box<dyn Engine>,
    head: Box<dyn DetectionHead>,
    info: ModelInfo,
    letterboxer: Letterboxer,
    /// The letterboxed frame, packed RGB.
    input: Vec<u8>,
    /// The normalised input, planes.
    planes: Vec<f32>,
}

impl Detector {
    /// Loads the ONNX file at `path` to run on the CPU with `threads` (at least one) threads, and runs it once.
    ///
    /// The engine's threads inherit the affinity and scheduling policy of the thread that first detects, so call this
    /// or [`Detector::warm_up`] after that thread has been pinned.
    ///
    /// # Errors
    /// Where the file cannot be read, is no model, or no detector that is understood.
    pub fn load(path: &Path, threads: usize) -> Result<Self, LoadError> {
        let bytes = fs::read(path).map_err(|source| EngineLoadError::Read { path: path.to_owned(), source })?;
        let (file_bytes, hash) = (bytes.len() as u64, fnv1a64(&bytes));
        let engine = RtenEngine::load(path, bytes, threads)?;
        Self::with_engine(Box::new(engine), file_bytes, hash)
            .map_err(|source| LoadError::Recognise { path: path.to_owned(), source })
    }

    /// A detector over any engine; `file_bytes` and `fnv1a64` are only handed on to [`Detector::info`].
    ///
    /// # Errors
    /// Where the outputs are of no known form.
    pub fn with_engine(engine: Box<dyn Engine>, file_bytes: u64, fnv1a64: u64) -> Result<Self, RecogniseError> {
        let [_, _, height, width] = engine.input_shape();
        let Recognised { head, classes, assumed } =
            recognise(height, width, engine.outputs(), |key| engine.metadata(key))?;
        let info = ModelInfo {
            classes,
            input_width: u32::try_from(width).unwrap_or(u32::MAX),
            input_height: u32::try_from(height).unwrap_or(u32::MAX),
            family: head.family(),
            file_bytes,
            fnv1a64,
            assumed,
        };
        let values = height * width * 3;
        Ok(Self {
            engine,
            head,
            info,
            letterboxer: Letterboxer::new(),
            input: vec![0; values],
            planes: vec![0.0; values],
        })
    }

    /// What is known of the model.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Width and height of the model's input, pixels.
    #[must_use]
    pub fn input_size(&self) -> (u32, u32) {
        (self.info.input_width, self.info.input_height)
    }

    /// Detects on a grey frame of `frame` (width, height) and throws the result away, so that the first real frame
    /// meets warm buffers. Call it on the thread that will detect.
    ///
    /// # Errors
    /// As [`Detector::detect_frame`].
    pub fn warm_up(&mut self, frame: (u32, u32)) -> Result<DetectTimes, DetectError> {
        let (width, height) = (frame.0.max(1), frame.1.max(1));
        let pixels = vec![114; width as usize * height as usize * 3];
        let mut detections = Detections::new();
        match RgbView::new(&pixels, width, height) {
            Ok(grey) => self.detect_frame(grey, &mut detections),
            Err(_) => Err(DetectError::InputSize { expected: self.input_size(), found: (width, height) }),
        }
    }

    /// Detects on a frame of any size; `detections` (emptied first) come best first, in pixels of the frame.
    ///
    /// # Errors
    /// Where the engine fails; `detections` is then empty or of no meaning.
    pub fn detect_frame(
        &mut self,
        frame: RgbView<'_>,
        detections: &mut Detections,
    ) -> Result<DetectTimes, DetectError> {
        detections.clear();
        let start = Monotonic::now();
        let (size, pad) = (self.input_size(), self.head.normalisation().padding_rgb);
        let letterbox = self.letterboxer.draw(frame, size, pad, &mut self.input)?;
        let mismatch = DetectError::InputSize { expected: size, found: size };
        let input = RgbView::new(&self.input, size.0, size.1).map_err(|_| mismatch)?;
        write_planes(self.head.as_ref(), input, &letterbox, &mut self.planes)?;
        self.infer(start, &letterbox, detections)
    }

    /// Detects on an image that is letterboxed to the model's input already, top left, from a frame of `original`
    /// (width, height) pixels; whatever pads it is replaced by this model's own padding. `detections` (emptied first)
    /// come best first, in pixels of the original frame.
    ///
    /// # Errors
    /// Where `input` has another size than the model's, or the engine fails.
    pub fn detect_input(
        &mut self,
        input: RgbView<'_>,
        original: (u32, u32),
        detections: &mut Detections,
    ) -> Result<DetectTimes, DetectError> {
        detections.clear();
        let start = Monotonic::now();
        let (expected, found) = (self.input_size(), (input.width(), input.height()));
        if expected != found {
            return Err(DetectError::InputSize { expected, found });
        }
        let letterbox = Letterbox::fit(original, expected);
        write_planes(self.head.as_ref(), input, &letterbox, &mut self.planes)?;
        self.infer(start, &letterbox, detections)
    }

    fn infer(
        &mut self,
        start: Monotonic,
        letterbox: &Letterbox,
        detections: &mut Detections,
    ) -> Result<DetectTimes, DetectError> {
        let prepared = Monotonic::now();
        self.engine.run(&self.planes)?;
        let inferred = Monotonic::now();
        self.head.decode(&*self.engine, detections)?;
        detections.retain_mut(|detection| {
            letterbox.to_frame(detection).is_some_and(|in_frame| {
                *detection = in_frame;
                true
            })
        });
        Ok(DetectTimes {
            prepare: prepared.saturating_since(start),
            inference: inferred.saturating_since(prepared),
            finish: inferred.elapsed(),
        })
    }
}

fn write_planes(
    head: &dyn DetectionHead,
    input: RgbView<'_>,
    letterbox: &Letterbox,
    planes: &mut [f32],
) -> Result<(), DetectError> {
    let content = (letterbox.content_width, letterbox.content_height);
    let found = (input.width(), input.height());
    let written = head.normalisation().write(input, content, planes);
    written.then_some(()).ok_or(DetectError::InputSize { expected: content, found })
}

/// The 64-bit Fowler–Noll–Vo hash, variant 1a (RFC 9923).
fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests;
