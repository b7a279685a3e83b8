//! What runs a model, and what every such engine looks like from outside: a CPU library here, a GPU's elsewhere.

mod framing;
mod rten;

use std::path::PathBuf;

pub use self::rten::RtenEngine;

/// Name and shape of one output of a model, batch dimension included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputInfo {
    /// As the model names it.
    pub name: String,
    /// Every dimension, resolved: none is symbolic.
    pub shape: Vec<usize>,
}

/// One set of output tensors, 32-bit floats in row-major order, borrowed from whoever holds them.
pub trait Outputs {
    /// The tensor with this index in [`Engine::outputs`]; `None` past the last and before the first run.
    fn output(&self, index: usize) -> Option<&[f32]>;
}

/// Runs one model on one input at a time.
///
/// There is one set of outputs: each run replaces it, and the borrow of [`Outputs::output`] sees to it that nobody
/// still reads the former. An engine on a GPU keeps it in pinned host memory and copies back in `run`.
pub trait Engine: Outputs + Send {
    /// Shape of the input: batch (always 1), channels, height, width.
    fn input_shape(&self) -> [usize; 4];

    /// Names and shapes of the outputs, in their order.
    fn outputs(&self) -> &[OutputInfo];

    /// A value of the model's metadata.
    fn metadata(&self, key: &str) -> Option<&str>;

    /// Runs the model on `input`, whose length is the product of [`Engine::input_shape`].
    ///
    /// # Errors
    /// Where the length is wrong or the library fails; the outputs are then of no meaning.
    fn run(&mut self, input: &[f32]) -> Result<(), EngineError>;
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The input has another length than the model's.
    #[error("the model's input has {expected} values, {found} were given")]
    InputLength {
        /// Values that the model reads.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// An output is not what it was when the model was loaded.
    #[error("output {name:?} is not the {expected:?} tensor of 32-bit floats it was when the model was loaded")]
    Output {
        /// The output's name.
        name: String,
        /// Its shape at load.
        expected: Vec<usize>,
    },
    /// The library failed.
    #[error("the {engine} engine failed: {reason}")]
    Run {
        /// Which library.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
}

/// Why an engine could not be made of a file.
#[derive(Debug, thiserror::Error)]
pub enum EngineLoadError {
    /// The file cannot be read.
    #[error("model {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a model that the library understands.
    #[error("model {path}: not an ONNX model the {engine} engine can run: {reason}", path = path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// Which library.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The input is not one image.
    #[error(
        "model {path}: found the inputs {found}, but a detector has exactly one, of 32-bit floats, with the fixed shape 1x3xHxW and sides of 32 to 4096 pixels (export it with a fixed input size)",
        path = path.display()
    )]
    Input {
        /// The file.
        path: PathBuf,
        /// Names, types and shapes there are.
        found: String,
    },
}
