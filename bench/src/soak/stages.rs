//! What the stages of a camera share: how they end, how they fail, and the faults they are told to have.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use serde::Serialize;

use super::books::Violation;
use super::random::Random;
use crate::frame::marks;

/// How long a stage sleeps at most before it looks whether it shall end.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// Faults that were injected, over all stages.
#[derive(Debug, Default)]
pub struct Faults {
    /// Readers that stalled.
    pub stalls: AtomicU64,
    /// Times that a reader kept slots until the pool was dry.
    pub hoards: AtomicU64,
    /// Frames or payloads that found the pool dry.
    pub dry: AtomicU64,
}

/// [`Faults`], to print.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct FaultCounts {
    /// Readers that stalled.
    pub stalls: u64,
    /// Times that a reader kept slots until the pool was dry.
    pub hoards: u64,
    /// Frames or payloads that found the pool dry.
    pub dry: u64,
    /// Times that the second process was killed and replaced.
    pub kills: u64,
}

/// Adds one.
pub fn tick(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A fault of a reader: now and then it takes its time.
pub fn stall(random: &mut Random, once_in: u64, faults: &Faults) {
    if random.once_in(once_in) {
        tick(&faults.stalls);
        std::thread::sleep(Duration::from_millis(1 + random.below(100)));
    }
}

/// Waits for what `look` finds; `None` once `before` has ended and nothing is left.
pub fn next<T>(bell: &Doorbell, before: &AtomicBool, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        let seen = bell.count();
        // Read before looking: what was handed over before the end is found after it.
        let ended = before.load(Ordering::Acquire);
        if let Some(found) = look() {
            return Some(found);
        }
        if ended {
            return None;
        }
        bell.wait_until(seen, Monotonic::now().plus(LOOK_AROUND));
    }
}

/// Checks that `bytes` are those of descriptor `seq`, which were written at `address`.
pub fn check_bytes(hop: &str, bytes: &[u8], expected_bytes: usize, seq: u64, address: u64) -> Result<(), Violation> {
    let wrong = |what: String| Violation::Bytes { hop: hop.to_owned(), seq, what };
    if bytes.as_ptr() as u64 != address {
        return Err(wrong(format!("are at {:p}, but were written at {address:#x}", bytes.as_ptr())));
    }
    match marks::read(bytes, expected_bytes) {
        Ok(found) if found == seq => Ok(()),
        Ok(found) => Err(wrong(format!("bear the number {found}"))),
        Err(error) => Err(wrong(format!("are broken: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_were_overwritten_or_moved_are_found() {
        let mut slot = vec![0; 64];
        marks::mark(&mut slot, 5);
        let address = slot.as_ptr() as u64;
        assert_eq!(check_bytes("hop", &slot, 64, 5, address), Ok(()));
        assert!(matches!(check_bytes("hop", &slot, 64, 4, address), Err(Violation::Bytes { seq: 4, .. })));
        assert!(matches!(check_bytes("hop", &slot.clone(), 64, 5, address), Err(Violation::Bytes { .. })));
        slot[60] ^= 1;
        assert!(matches!(check_bytes("hop", &slot, 64, 5, address), Err(Violation::Bytes { .. })));
    }
}
