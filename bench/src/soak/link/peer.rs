//! The second process.

use rt_core::clock::Monotonic;
use rt_core::process::frames::{ReadError, Reader};
use rt_core::process::ring::{Producer, WaitError};
use rt_core::process::segment::Segment;

use super::{BACK, PATIENCE, POOL, READER};
use crate::answering::say_ready;
use crate::error::BenchError;
use crate::frame::{FRAME_BYTES, marks};
use crate::hop::inherited;
use crate::soak::descriptor::Descriptor;

/// In the child: reads each frame where it lies, answers with its number, until the owner leaves or dies.
///
/// # Errors
/// A frame that is not what its descriptor says, or a hop that cannot be trusted.
pub fn answer(words: &[String]) -> Result<(), BenchError> {
    let generation = words.first().and_then(|word| word.parse().ok());
    let generation = generation.ok_or_else(|| BenchError::Usage(format!("{words:?}: wanted a generation first")))?;
    let [memory] = inherited(words)?;
    let segment = Segment::open(memory).map_err(BenchError::library("opening the segment"))?;
    let mut frames = Reader::attach(&segment, POOL, READER).map_err(BenchError::library("becoming the reader"))?;
    let mut answers =
        Producer::<Descriptor>::attach(&segment, BACK).map_err(BenchError::library("becoming the producer"))?;
    say_ready()?;
    loop {
        let until = Monotonic::now().plus(PATIENCE);
        let frame = match frames.next_until(until) {
            Ok(frame) => frame,
            Err(ReadError::Wait(WaitError::TimedOut { .. })) => continue,
            Err(ReadError::Wait(WaitError::PeerDied { .. } | WaitError::PeerLeft { .. })) => return Ok(()),
            Err(error) => return Err(BenchError::library("waiting for a frame")(error)),
        };
        let seq = marks::read(frame.as_ref(), FRAME_BYTES)?;
        if seq != frame.meta().seq {
            let (bytes, expected_bytes) = (FRAME_BYTES, FRAME_BYTES);
            return Err(BenchError::WrongFrame { bytes, expected_bytes, first: seq, last: frame.meta().seq });
        }
        // Some work, which a kill may interrupt.
        std::hint::black_box(frame.as_ref().iter().step_by(64).fold(0_u64, |sum, &byte| sum + u64::from(byte)));
        let answer = Descriptor::new(seq, 0, frame.meta().capture, generation);
        match answers.push_until(&answer, until) {
            Ok(()) => {}
            Err(WaitError::PeerDied { .. } | WaitError::PeerLeft { .. }) => return Ok(()),
            Err(error) => return Err(BenchError::library("answering")(error)),
        }
    }
}
