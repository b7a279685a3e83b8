//! `rtrb`'s ring between two threads, which a third may watch.
//!
//! The ring is `rtrb`'s and so is all that makes it safe. It tells nobody but its ends how full it is; for those rings
//! that somebody wants to watch ([`watched`]) both ends count as well, about a nanosecond each, and a [`DepthWatch`]
//! reads what they have counted.

mod receive;
mod send;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub use receive::Consumer;
pub use rtrb::PopError;
pub use send::Producer;

use crate::depth::{DepthWatch, ReceiverGauge, SenderGauge, gauge};

/// A ring of `capacity` values (at least one), allocated here and never again.
///
/// ```
/// let (mut producer, mut consumer) = rt_core::ring::ring(2);
/// assert!(producer.push('a').is_ok() && producer.push('b').is_ok());
/// assert_eq!(producer.push('c'), Err('c'), "what has no room comes back");
/// assert_eq!(consumer.pop(), Ok('a'));
/// ```
#[must_use]
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    ends(capacity.max(1), SenderGauge::default(), ReceiverGauge::default())
}

/// The same, and what tells how full it is.
///
/// ```
/// let (mut producer, mut consumer, mut watch) = rt_core::ring::watched(4);
/// (0..3).for_each(|number| assert!(producer.push(number).is_ok()));
/// while consumer.pop().is_ok() {}
/// assert!(producer.push(3).is_ok());
/// let depth = watch.look();
/// assert_eq!((depth.capacity, depth.waiting, depth.most, depth.sent, depth.lost), (4, 1, 3, 4, 0));
/// assert_eq!(watch.look().most, 1, "since the last look");
/// ```
#[must_use]
pub fn watched<T>(capacity: usize) -> (Producer<T>, Consumer<T>, DepthWatch) {
    let capacity = capacity.max(1);
    let (sender, receiver, watch) = gauge(capacity);
    let (producer, consumer) = ends(capacity, sender, receiver);
    (producer, consumer, watch)
}

fn ends<T>(capacity: usize, sender: SenderGauge, receiver: ReceiverGauge) -> (Producer<T>, Consumer<T>) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity);
    (Producer::new(producer, sender), Consumer::new(consumer, receiver))
}
