//! Hand-over of a frame, from 8 B to 50 MB: a descriptor of a slot beside every way of moving the bytes; and what one
//! hand-over costs in system calls, heap calls and copied bytes.
//!
//! Each row is a client and a server that send each other a frame of `bytes` in turns. As in the measurement that the
//! channel API comes from, latency = t / (2 n) and bandwidth = 2 bytes n / t. Both ends mark a frame's first and last
//! eight bytes with its number and check those of the frame that arrives, whatever it came through.

mod arena_processes;
mod arena_threads;
mod costs;
pub(crate) mod marks;
mod pipeline;
mod prototype;
mod stream;
mod sweep;
mod system_calls;

pub use arena_processes::{ANSWERS as LEASE_ANSWERS, answer as answer_leases};
pub use costs::{Costs, measure as costs};
pub use pipeline::{Pace, run as hand_over};
pub use stream::{ANSWERS as STREAM_ANSWERS, answer as answer_streams};
pub use sweep::{Crossover, FrameReport, Options, SIZES, run};

use crate::hop::Pair;

/// A 1920 × 1080 RGB frame.
pub const FRAME_BYTES: usize = 1920 * 1080 * 3;

/// Every way of handing over a frame of `bytes`.
#[must_use]
pub fn pairs(bytes: usize, python: bool) -> Vec<Box<dyn Pair>> {
    let mut pairs = arena_threads::pairs(bytes);
    pairs.extend(arena_processes::pairs(bytes));
    pairs.extend(stream::pairs(bytes));
    if python {
        pairs.extend(prototype::pairs(bytes));
    }
    pairs
}
