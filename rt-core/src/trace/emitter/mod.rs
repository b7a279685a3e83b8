//! A bounded ring from a real-time thread to whoever keeps the books; never waited for: what finds no room is lost,
//! and counted.

mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rtrb::RingBuffer;

use super::count::Count;
pub use receive::{Inlet, RingDepth};
pub use send::Emitter;

/// A ring of `capacity` records (at least one), allocated here and never again.
///
/// ```
/// let (mut emitter, mut inlet) = rt_core::trace::emitter::ring(2);
/// assert!(emitter.emit('a') && emitter.emit('b') && !emitter.emit('c'));
/// let mut taken = Vec::new();
/// inlet.drain(|record| taken.push(record));
/// assert_eq!((taken, inlet.dropped()), (vec!['a', 'b'], 1));
/// ```
#[must_use]
pub fn ring<T: Send>(capacity: usize) -> (Emitter<T>, Inlet<T>) {
    let (producer, consumer) = RingBuffer::new(capacity.max(1));
    let dropped = Arc::new(Count::default());
    (Emitter { ring: producer, dropped: Arc::clone(&dropped) }, Inlet { ring: consumer, dropped, deepest: 0 })
}
