//! The embedded engine: ONNX on the CPU by the `rten` library, pure Rust.
//!
//! The library runs a model on the threads of a pool and lets the caller wait. A pool's threads inherit the processor
//! affinity and the scheduling policy of the thread that makes them, so the pool is made by the thread that runs the
//! model, at its first run: pin a thread, then run there, and the model is pinned too. The library allocates its
//! intermediate tensors on every run; nothing of ours can change that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use rten::{DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueType, ValueView};
use rten_tensor::prelude::*;

use super::{Engine, EngineError, EngineLoadError, OutputInfo, Outputs, framing};

const NAME: &str = "rten";

/// Sides of an input beyond these are a mistake in the export, not a detector.
const SIDES: std::ops::RangeInclusive<usize> = 32..=4096;

/// A loaded model and its one set of outputs.
pub struct RtenEngine {
    model: Model,
    input: NodeId,
    input_shape: [usize; 4],
    output_ids: Vec<NodeId>,
    outputs: Vec<OutputInfo>,
    values: Vec<Vec<f32>>,
    threads: usize,
    pool: Option<(ThreadId, Arc<ThreadPool>)>,
}

impl RtenEngine {
    /// Loads the ONNX model in `bytes`, which came from `path`, to be run on `threads` (at least one) threads. Runs it
    /// once, on zeros, to learn the shapes of its outputs.
    ///
    /// # Errors
    /// Where the bytes are not a model, it has another input than one image, or the trial run fails.
    pub fn load(path: &Path, bytes: Vec<u8>, threads: usize) -> Result<Self, EngineLoadError> {
        let failed = |reason: String| EngineLoadError::Model { path: path.to_owned(), engine: NAME, reason };
        framing::check(&bytes).map_err(|error| failed(error.to_string()))?;
        // A file made by somebody else must end in a message, whatever the library thinks of it.
        catch_unwind(AssertUnwindSafe(|| Self::load_guarded(path, bytes, threads)))
            .unwrap_or_else(|_| Err(failed("the library panicked".to_owned())))
    }

    fn load_guarded(path: &Path, bytes: Vec<u8>, threads: usize) -> Result<Self, EngineLoadError> {
        let failed = |reason: String| EngineLoadError::Model { path: path.to_owned(), engine: NAME, reason };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(bytes).map_err(|error| failed(error.to_string()))?;
        let (input, input_shape) = image_input(&model)
            .ok_or_else(|| EngineLoadError::Input { path: path.to_owned(), found: describe_inputs(&model) })?;
        let output_ids = model.output_ids().to_vec();
        let name = |id| model.node_info(id).and_then(|info| info.name()).unwrap_or_default().to_owned();
        let outputs = output_ids.iter().map(|&id| OutputInfo { name: name(id), shape: Vec::new() }).collect();
        let values = output_ids.iter().map(|_| Vec::new()).collect();
        let mut engine =
            Self { model, input, input_shape, output_ids, outputs, values, threads: threads.max(1), pool: None };
        engine.probe().map_err(failed)?;
        Ok(engine)
    }

    /// Exports often leave the outputs' shapes symbolic: one run shows what they are.
    fn probe(&mut self) -> Result<(), String> {
        let zeros = vec![0.0; self.input_shape.iter().product()];
        let values = self.run_model(&zeros).map_err(|error| error.to_string())?;
        for ((info, value), kept) in self.outputs.iter_mut().zip(values).zip(&mut self.values) {
            let dtype = value.dtype();
            let tensor = value
                .into_tensor::<f32>()
                .ok_or_else(|| format!("output {:?} is {dtype:?}, not a tensor of 32-bit floats", info.name))?;
            info.shape = tensor.shape().to_vec();
            *kept = tensor.to_vec();
        }
        Ok(())
    }

    fn run_model(&mut self, input: &[f32]) -> Result<Vec<Value>, EngineError> {
        let view = ValueView::from_shape(self.input_shape, input).map_err(|_| EngineError::InputLength {
            expected: self.input_shape.iter().product(),
            found: input.len(),
        })?;
        let current = thread::current().id();
        let pool = match &self.pool {
            Some((owner, pool)) if *owner == current => Arc::clone(pool),
            _ => {
                let pool = Arc::new(ThreadPool::with_num_threads(self.threads));
                self.pool = Some((current, Arc::clone(&pool)));
                pool
            }
        };
        let options = RunOptions::default().with_thread_pool(Some(pool));
        self.model
            .run(vec![(self.input, view.into())], &self.output_ids, Some(options))
            .map_err(|error| EngineError::Run { engine: NAME, reason: error.to_string() })
    }
}

impl Outputs for RtenEngine {
    fn output(&self, index: usize) -> Option<&[f32]> {
        self.values.get(index).map(Vec::as_slice)
    }
}

impl Engine for RtenEngine {
    fn input_shape(&self) -> [usize; 4] {
        self.input_shape
    }

    fn outputs(&self) -> &[OutputInfo] {
        &self.outputs
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.model.metadata().get(key)
    }

    fn run(&mut self, input: &[f32]) -> Result<(), EngineError> {
        let values = self.run_model(input)?;
        for ((info, value), kept) in self.outputs.iter().zip(values).zip(&mut self.values) {
            let unexpected = || EngineError::Output { name: info.name.clone(), expected: info.shape.clone() };
            let tensor = value.into_tensor::<f32>().ok_or_else(unexpected)?;
            if tensor.shape() != info.shape.as_slice() {
                return Err(unexpected());
            }
            // The library's buffer is taken over as it is; only a transposed view of one has to be copied.
            *kept = if tensor.is_contiguous() { tensor.into_data() } else { tensor.to_vec() };
        }
        Ok(())
    }
}

/// The only input, where it is one image of fixed size.
fn image_input(model: &Model) -> Option<(NodeId, [usize; 4])> {
    let &[id] = model.input_ids() else { return None };
    let info = model.node_info(id)?;
    if info.dtype().is_some_and(|dtype| dtype != ValueType::Tensor(DataType::Float)) {
        return None;
    }
    let shape = info.shape()?;
    let fixed = |dimension: &Dimension| match dimension {
        Dimension::Fixed(size) => Some(*size),
        Dimension::Symbolic(_) => None,
    };
    let [batch, channels, height, width] = shape.as_slice() else { return None };
    // A batch left symbolic is the one freedom that exports commonly keep; one image at a time fits it.
    let batch = fixed(batch).unwrap_or(1);
    let shape = [batch, fixed(channels)?, fixed(height)?, fixed(width)?];
    matches!(shape, [1, 3, height, width] if SIDES.contains(&height) && SIDES.contains(&width)).then_some((id, shape))
}

fn describe_inputs(model: &Model) -> String {
    let describe = |id: &NodeId| {
        let info = model.node_info(*id)?;
        let shape = info.shape().map_or_else(
            || "unknown shape".to_owned(),
            |shape| {
                let sizes = shape.iter().map(|dimension| match dimension {
                    Dimension::Fixed(size) => size.to_string(),
                    Dimension::Symbolic(name) => name.clone(),
                });
                sizes.collect::<Vec<_>>().join("x")
            },
        );
        let dtype = info.dtype().map_or_else(|| "unknown type".to_owned(), |dtype| format!("{dtype:?}"));
        Some(format!("{:?} ({dtype}, {shape})", info.name().unwrap_or_default()))
    };
    let inputs: Vec<_> = model.input_ids().iter().filter_map(describe).collect();
    if inputs.is_empty() { "(none)".to_owned() } else { inputs.join(", ") }
}
