//! The hot threads' end of telemetry: a bounded ring that is never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

/// Hands records to the collector; one per thread and record type.
///
/// It never blocks, allocates or makes a system call. A full ring loses the newest record and counts it.
#[derive(Debug)]
pub struct Emitter<T> {
    ring: Producer<T>,
    dropped: Arc<AtomicU64>,
}

impl<T> Emitter<T> {
    /// Hands over `record`; `false` where the ring was full and the record is lost (and counted).
    pub fn emit(&mut self, record: T) -> bool {
        let taken = self.ring.push(record).is_ok();
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Records lost so far because the ring was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The collector's end of one ring.
#[derive(Debug)]
pub struct Inlet<T> {
    ring: Consumer<T>,
    dropped: Arc<AtomicU64>,
}

impl<T> Inlet<T> {
    /// Calls `take` with each of the records that are in the ring now, oldest first, and frees its place.
    ///
    /// It ends after as many records as there were at the call, so that a fast producer cannot hold the collector.
    pub fn drain(&mut self, mut take: impl FnMut(T)) -> usize {
        let waiting = self.ring.slots();
        for _ in 0..waiting {
            match self.ring.pop() {
                Ok(record) => take(record),
                Err(rtrb::PopError::Empty) => break,
            }
        }
        waiting
    }

    /// Records lost so far because the ring was full; never falls.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether the emitter is gone, so that nothing comes that is not in the ring by now.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Whether the emitter is gone and everything it emitted has been taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // The order counts: once the emitter is seen gone, nothing can arrive any more.
        self.is_abandoned() && self.ring.is_empty()
    }
}

/// A ring of `capacity` records (at least one), allocated here and never again.
///
/// ```
/// let (mut emitter, mut inlet) = telemetry::emitter::ring(2);
/// assert!(emitter.emit('a') && emitter.emit('b') && !emitter.emit('c'));
/// let mut taken = Vec::new();
/// inlet.drain(|record| taken.push(record));
/// assert_eq!((taken, inlet.dropped()), (vec!['a', 'b'], 1));
/// ```
#[must_use]
pub fn ring<T: Send>(capacity: usize) -> (Emitter<T>, Inlet<T>) {
    let (producer, consumer) = RingBuffer::new(capacity.max(1));
    let dropped = Arc::new(AtomicU64::new(0));
    (Emitter { ring: producer, dropped: Arc::clone(&dropped) }, Inlet { ring: consumer, dropped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_either_taken_in_order_or_counted_as_dropped() {
        const SENT: u64 = 200_000;
        let (mut emitter, mut inlet) = ring(64);
        let mut taken = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..SENT {
                    emitter.emit(number);
                }
            });
            while !inlet.is_finished() {
                inlet.drain(|number| taken.push(number));
            }
        });
        assert!(taken.is_sorted_by(|a, b| a < b));
        assert_eq!(taken.len() as u64 + inlet.dropped(), SENT);
    }

    #[test]
    fn an_inlet_with_records_left_by_a_dead_emitter_is_not_finished() {
        let (mut emitter, mut inlet) = ring(4);
        emitter.emit(1);
        drop(emitter);
        assert!(!inlet.is_finished());
        inlet.drain(drop);
        assert!(inlet.is_finished());
    }
}
