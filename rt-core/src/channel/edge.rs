//! One producer's ring to one consumer, by rule; every thread channel is made of these.

use super::{ChannelSpec, OpenError, WhenFull};
use crate::evicting_ring::{self, evicting_ring};

/// The sending side of an edge.
pub(super) enum EdgeIn<T> {
    /// A full ring refuses.
    Refusing(rtrb::Producer<T>),
    /// A full ring gives its oldest.
    Evicting(evicting_ring::Sender<T>),
}

/// The receiving side of an edge.
pub(super) enum EdgeOut<T> {
    Refusing(rtrb::Consumer<T>),
    Evicting(evicting_ring::Receiver<T>),
}

/// An edge of the channel that `spec` describes.
pub(super) fn edge<T: Send>(spec: &ChannelSpec) -> Result<(EdgeIn<T>, EdgeOut<T>), OpenError> {
    match spec.when_full {
        WhenFull::Block { .. } | WhenFull::Reject => {
            let (tx, rx) = rtrb::RingBuffer::new(spec.capacity);
            Ok((EdgeIn::Refusing(tx), EdgeOut::Refusing(rx)))
        }
        WhenFull::EvictOldest | WhenFull::KeepLatest => {
            let (tx, rx) =
                evicting_ring(spec.capacity).map_err(|source| OpenError::Ring { name: spec.name.clone(), source })?;
            Ok((EdgeIn::Evicting(tx), EdgeOut::Evicting(rx)))
        }
    }
}

impl<T: Send> EdgeIn<T> {
    /// `Ok` carries what was pushed out, `Err` the message itself, for want of room.
    pub(super) fn put(&mut self, message: T) -> Result<Option<T>, T> {
        match self {
            Self::Refusing(ring) => ring.push(message).map(|()| None).map_err(|rtrb::PushError::Full(message)| message),
            Self::Evicting(ring) => Ok(ring.put(message)),
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Refusing(ring) => ring.is_abandoned(),
            Self::Evicting(ring) => ring.is_abandoned(),
        }
    }
}

impl<T: Send> EdgeOut<T> {
    pub(super) fn take(&mut self) -> Option<T> {
        match self {
            Self::Refusing(ring) => ring.pop().ok(),
            Self::Evicting(ring) => ring.take(),
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Refusing(ring) => ring.is_abandoned(),
            Self::Evicting(ring) => ring.is_abandoned(),
        }
    }
}
