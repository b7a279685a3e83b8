//! The pairs that are measured, one file each: turbo's own first, then what one would otherwise use.

mod crossbeam;
mod iceoryx;
mod mailbox;
mod pipe;
mod process_ring;
pub mod python;
mod ring;
mod socket;
mod standard;
mod stream;

/// Names of the rows that claims are made of.
pub mod rows {
    pub use super::crossbeam::{RECV as CROSSBEAM_RECV, SPIN as CROSSBEAM_SPIN};
    pub use super::iceoryx::{SPIN as ICEORYX_PROCESSES, THREADS_SPIN as ICEORYX_THREADS};
    pub use super::process_ring::{SPIN as PROCESS_RING_SPIN, SPIN_THEN_FUTEX as PROCESS_RING};
    pub use super::ring::{SPIN as RING_SPIN, SPIN_THEN_FUTEX as RING};
    pub use super::socket::THREADS as SOCKET_THREADS;
}

use crate::error::{BenchError, Result};
use crate::hop::Pair;
use crate::{frame, soak};

/// Every pair that is a Rust crate or the system's own.
#[must_use]
pub fn pairs() -> Vec<Box<dyn Pair>> {
    [
        ring::pairs(),
        mailbox::pairs(),
        process_ring::pairs(),
        crossbeam::pairs(),
        standard::pairs(),
        iceoryx::pairs(),
        socket::pairs(),
        pipe::pairs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// In a child process: makes the far end that `words` name, and answers.
///
/// # Errors
/// The end's, and [`BenchError::Usage`] for a name that nobody has.
pub fn answer_as(words: &[String]) -> Result<()> {
    let Some((name, words)) = words.split_first() else {
        return Err(BenchError::Usage("answer needs the name of a peer".into()));
    };
    match name.as_str() {
        process_ring::ANSWERS => process_ring::answer(words),
        socket::ANSWERS => socket::answer(words),
        pipe::ANSWERS => pipe::answer(words),
        iceoryx::ANSWERS => iceoryx::answer(words),
        frame::LEASE_ANSWERS => frame::answer_leases(words),
        frame::STREAM_ANSWERS => frame::answer_streams(words),
        soak::ANSWERS => soak::answer(words),
        unknown => Err(BenchError::Usage(format!("no peer answers as {unknown:?}"))),
    }
}
