//! Bounded ring whose sender never waits: where it is full, the newest value goes in and the oldest comes back.
//!
//! One sender, one receiver, `capacity` values in order. It is the hand-over for whatever loses worth with age: a
//! thread that must not block puts the newest, and owns what that pushed out (a lease to return, a loss to count), so
//! that nothing is dropped in silence. With room for one value it is the latest-wins [`mailbox`](crate::mailbox).
//!
//! Values never move between threads; the indices of the cells they lie in do. Each of the `capacity` entries is one
//! atomic word: which cell stands there and in which lap of the ring it was put. Two more cells are spare, one on
//! either side: the sender fills its spare cell and swaps it into the entry, getting the oldest one (or an emptied one)
//! back; the receiver swaps its emptied cell for a full one, unless the entry's lap says that the sender was faster.
//! So the sender is wait-free (one swap), the receiver lock-free (it tries again only where the sender got further),
//! and neither copies or allocates.

mod receive;
mod send;
mod state;

pub use receive::Receiver;
pub use send::Sender;
use state::{MOST_CELLS, Shared};

use crate::depth::{DepthWatch, ReceiverGauge, SenderGauge, gauge};
use crate::sync::Arc;

/// Why a ring cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvictingRingError {
    /// It could hold nothing.
    #[error("a ring of capacity 0 can hold nothing: at least 1")]
    NoCapacity,
    /// An entry's word cannot number that many cells.
    #[error("a ring of capacity {capacity} was asked for: at most {most}")]
    CapacityTooLarge {
        /// What was asked for.
        capacity: usize,
        /// What would be right.
        most: usize,
    },
}

/// The largest capacity: what an entry's word can number, less the two spare cells.
pub const MOST_CAPACITY: usize = MOST_CELLS - 2;

/// A ring for `capacity` values, empty. All of its memory is allocated here.
///
/// ```
/// let (mut sender, mut receiver) = rt_core::evicting_ring::evicting_ring(2)?;
/// assert_eq!(sender.put(1), None);
/// assert_eq!(sender.put(2), None);
/// assert_eq!(sender.put(3), Some(1), "full: the oldest comes back");
/// assert_eq!(receiver.take(), Some(2));
/// assert_eq!(receiver.take(), Some(3));
/// assert_eq!(receiver.take(), None);
/// # Ok::<(), rt_core::evicting_ring::EvictingRingError>(())
/// ```
///
/// # Errors
/// Capacity 0, or above [`MOST_CAPACITY`].
pub fn evicting_ring<T: Send>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), EvictingRingError> {
    match capacity {
        0 => Err(EvictingRingError::NoCapacity),
        1..=MOST_CAPACITY => Ok(halves(capacity)),
        _ => Err(EvictingRingError::CapacityTooLarge { capacity, most: MOST_CAPACITY }),
    }
}

/// A ring for one value.
pub(crate) fn of_one<T: Send>() -> (Sender<T>, Receiver<T>) {
    halves(1)
}

/// The same, and what tells how full it is.
pub(crate) fn of_one_watched<T: Send>() -> (Sender<T>, Receiver<T>, DepthWatch) {
    let (sender, receiver, watch) = gauge(1);
    let (sender, receiver) = gauged(1, sender, receiver);
    (sender, receiver, watch)
}

fn halves<T: Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    gauged(capacity, SenderGauge::default(), ReceiverGauge::default())
}

fn gauged<T: Send>(capacity: usize, sender: SenderGauge, receiver: ReceiverGauge) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(capacity));
    (Sender::new(Arc::clone(&shared), sender), Receiver::new(shared, receiver))
}

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
