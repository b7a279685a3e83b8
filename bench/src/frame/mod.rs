//! Hand-over of a frame, from 8 B to 50 MB: a descriptor of a slot beside every way of moving the bytes; and what one
//! hand-over costs in system calls, heap calls and copied bytes.
//!
//! Each row is a client and a server that send each other a frame of `bytes` in turns. As in the measurement that the
//! channel API comes from, latency = t / (2 n) and bandwidth = 2 bytes n / t. Both ends mark a frame's first and last
//! eight bytes with its number and check those of the frame that arrives, whatever it came through.

mod arena_threads;
mod costs;
pub(crate) mod marks;
mod pipeline;
mod prototype;
mod stream;
mod sweep;
mod system_calls;

pub use costs::{Costs, measure as costs};
pub use pipeline::{Pace, run as hand_over};
pub use sweep::{FrameReport, Options, SIZES, run};

use crate::error::{BenchError, Result};
use crate::hop::Pair;

/// A 1920 × 1080 RGB frame.
pub const FRAME_BYTES: usize = 1920 * 1080 * 3;

/// Every way of handing over a frame of `bytes`.
#[must_use]
pub fn pairs(bytes: usize, python: bool) -> Vec<Box<dyn Pair>> {
    let mut pairs = arena_threads::pairs(bytes);
    pairs.extend(stream::pairs(bytes));
    if python {
        pairs.extend(prototype::pairs(bytes));
    }
    pairs
}

/// In a child process: makes the far end that `words` name, and answers.
///
/// # Errors
/// The end's, and [`BenchError::Usage`] for a name that nobody has.
pub fn answer_as(words: &[String]) -> Result<()> {
    match words.split_first() {
        Some((name, words)) if name == stream::ANSWERS => stream::answer(words),
        _ => Err(BenchError::Usage(format!("no way of handing over a frame answers as {words:?}"))),
    }
}
