//! Marks a frame with its number at both ends, so that a frame that is torn, stale or short is found out.

use crate::error::{BenchError, Result};

const MARK_BYTES: usize = size_of::<u64>();

/// Writes `sequence` into the first and the last eight bytes.
pub fn mark(frame: &mut [u8], sequence: u64) {
    if let Some(first) = frame.first_chunk_mut::<MARK_BYTES>() {
        *first = sequence.to_ne_bytes();
    }
    if let Some(last) = frame.last_chunk_mut::<MARK_BYTES>() {
        *last = sequence.to_ne_bytes();
    }
}

/// The number that both ends of `frame` bear.
///
/// # Errors
/// [`BenchError::WrongFrame`] where they differ, or the frame is not `bytes` long.
pub fn read(frame: &[u8], bytes: usize) -> Result<u64> {
    let number = |mark: Option<&[u8; MARK_BYTES]>| mark.map_or(0, |mark| u64::from_ne_bytes(*mark));
    let (first, last) = (number(frame.first_chunk()), number(frame.last_chunk()));
    if first == last && frame.len() == bytes {
        Ok(first)
    } else {
        Err(BenchError::WrongFrame { bytes: frame.len(), expected_bytes: bytes, first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_or_short_frame_is_found_out() {
        let mut frame = vec![0; 100];
        mark(&mut frame, 7);
        assert_eq!(read(&frame, 100).expect("whole"), 7);
        assert!(matches!(read(&frame, 101), Err(BenchError::WrongFrame { expected_bytes: 101, .. })));
        mark(frame.split_at_mut(50).0, 8);
        assert!(matches!(read(&frame, 100), Err(BenchError::WrongFrame { first: 8, last: 7, .. })));
    }

    #[test]
    fn the_smallest_frame_is_its_own_mark() {
        let mut frame = [0; 8];
        mark(&mut frame, 9);
        assert_eq!(read(&frame, 8).expect("whole"), 9);
    }
}
