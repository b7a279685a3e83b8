//! What several tests need.

use crate::engine::{Engine, EngineError, OutputInfo, Outputs};

/// Outputs made by hand.
#[derive(Clone, Default)]
pub(crate) struct Tensors(pub Vec<Vec<f32>>);

impl Outputs for Tensors {
    fn output(&self, index: usize) -> Option<&[f32]> {
        self.0.get(index).map(Vec::as_slice)
    }
}

/// An engine whose outputs are always the same; what it was run on is kept, for a test to look at.
pub(crate) struct Recorded {
    pub shape: [usize; 4],
    pub infos: Vec<OutputInfo>,
    pub tensors: Tensors,
    pub seen: std::sync::Arc<std::sync::Mutex<Vec<f32>>>,
}

impl Outputs for Recorded {
    fn output(&self, index: usize) -> Option<&[f32]> {
        self.tensors.output(index)
    }
}

impl Engine for Recorded {
    fn input_shape(&self) -> [usize; 4] {
        self.shape
    }

    fn outputs(&self) -> &[OutputInfo] {
        &self.infos
    }

    fn metadata(&self, _: &str) -> Option<&str> {
        None
    }

    fn run(&mut self, input: &[f32]) -> Result<(), EngineError> {
        *self.seen.lock().unwrap() = input.to_vec();
        Ok(())
    }
}

pub(crate) fn info(name: &str, shape: &[usize]) -> OutputInfo {
    OutputInfo { name: name.to_owned(), shape: shape.to_vec() }
}

/// A number from 0 to 1 that depends on `seed` and `index` only, the same in every language: the golden data of
/// `tests/golden/make.py` is made with it too.
pub(crate) fn noise(seed: u32, index: usize) -> f32 {
    let mixed = (index as u32).wrapping_add(seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    ((mixed ^ (mixed >> 16)) >> 8) as f32 / (1 << 24) as f32
}
