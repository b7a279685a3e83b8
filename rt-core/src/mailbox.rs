//! Latest-wins mailbox: one sender, one receiver, and only the newest value counts.
//!
//! It is the [evicting ring](crate::evicting_ring) with room for one value: three cells change hands by swapping
//! numbers, so neither side ever waits, copies or allocates. A value that was overtaken comes back to the sender, who
//! owns what follows (returning a slot, counting the loss): nothing is dropped in silence.

pub use crate::evicting_ring::{Receiver, Sender};

/// A mailbox, empty.
///
/// ```
/// let (mut sender, mut receiver) = rt_core::mailbox::mailbox();
/// assert_eq!(sender.put(1), None);
/// assert_eq!(sender.put(2), Some(1), "the overtaken value comes back");
/// assert_eq!(receiver.take(), Some(2));
/// assert_eq!(receiver.take(), None);
/// ```
#[must_use]
pub fn mailbox<T: Send>() -> (Sender<T>, Receiver<T>) {
    crate::evicting_ring::of_one()
}

/// The same, and what tells whether something waits in it, how much went through it and how much was overtaken; each end
/// counts, about a nanosecond a call.
///
/// ```
/// let (mut sender, mut receiver, mut watch) = rt_core::mailbox::watched();
/// (1..=3).for_each(|number| drop(sender.put(number)));
/// assert_eq!(receiver.take(), Some(3));
/// let depth = watch.look();
/// assert_eq!((depth.capacity, depth.waiting, depth.most, depth.sent, depth.lost), (1, 0, 1, 3, 2));
/// ```
#[must_use]
pub fn watched<T: Send>() -> (Sender<T>, Receiver<T>, crate::depth::DepthWatch) {
    crate::evicting_ring::of_one_watched()
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
