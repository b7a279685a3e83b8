//! One producer whose newest value every consumer sees: a snapshot behind the two ends.

use std::sync::{Arc, Weak};

use super::ends::{ReceiveEnd, SendEnd};
use super::registry::hand_out;
use super::{ChannelSpec, Consumer, OpenError, Producer, ReceiveError, SendError};
use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::snapshot::{self, snapshot};

/// A keep-latest channel whose ends wait to be handed out. What a consumer has seen it does not receive again.
pub struct SnapshotChannel<T: Clone + Send + Sync> {
    spec: ChannelSpec,
    producer: Vec<SnapshotProducer<T>>,
    consumers: Vec<SnapshotConsumer<T>>,
}

struct SnapshotProducer<T> {
    /// `None` once this end is being dropped.
    writer: Option<snapshot::Writer<Option<T>>>,
    bells: Vec<Doorbell>,
    /// Alive while any consumer is.
    consumers: Weak<()>,
}

struct SnapshotConsumer<T> {
    reader: snapshot::Reader<Option<T>>,
    bell: Doorbell,
    /// Held, not used: see [`SnapshotProducer::consumers`].
    _alive: Arc<()>,
}

impl<T: Clone + Send + Sync + 'static> SnapshotChannel<T> {
    pub(super) fn open(spec: &ChannelSpec) -> Result<Self, OpenError> {
        let (writer, readers) = snapshot(spec.topology.consumers(), || None)
            .map_err(|source| OpenError::Snapshot { name: spec.name.clone(), source })?;
        let alive = Arc::new(());
        let consumer = |reader| SnapshotConsumer { reader, bell: Doorbell::futex(), _alive: Arc::clone(&alive) };
        let consumers: Vec<_> = readers.into_iter().map(consumer).collect();
        let bells = consumers.iter().map(|consumer| consumer.bell.clone()).collect();
        let producer = SnapshotProducer { writer: Some(writer), bells, consumers: Arc::downgrade(&alive) };
        Ok(Self { spec: spec.clone(), producer: vec![producer], consumers })
    }

    /// Hands out the producer.
    ///
    /// # Errors
    /// [`OpenError::EndTaken`], the second time.
    pub fn producer(&mut self) -> Result<Producer<T>, OpenError> {
        let end = hand_out(&mut self.producer, &self.spec, "producer")?;
        Ok(Producer::new(end, self.spec.when_full))
    }

    /// Hands out the next consumer.
    ///
    /// # Errors
    /// [`OpenError::EndTaken`], where the topology has no further one.
    pub fn consumer(&mut self) -> Result<Consumer<T>, OpenError> {
        hand_out(&mut self.consumers, &self.spec, "consumer").map(Consumer::new)
    }
}

impl<T: Clone + Send + Sync> SendEnd<T> for SnapshotProducer<T> {
    /// Never gives an earlier value back: somebody may be looking at it.
    fn send(&mut self, message: T, _until: Option<Monotonic>) -> Result<Option<T>, SendError<T>> {
        let Some(writer) = &mut self.writer else { return Err(SendError::Closed(message)) };
        if self.consumers.strong_count() == 0 {
            return Err(SendError::Closed(message));
        }
        writer.write(Some(message));
        for bell in &self.bells {
            bell.ring();
        }
        Ok(None)
    }
}

impl<T: Clone + Send + Sync> ReceiveEnd<T> for SnapshotConsumer<T> {
    fn receive(&mut self, until: Option<Monotonic>) -> Result<(usize, T), ReceiveError> {
        loop {
            let seen = self.bell.count();
            // Asked before looking: what the producer wrote before it left is still found.
            let closed = self.reader.is_abandoned();
            if let Some(newest) = self.reader.newer().and_then(|newest| newest.clone()) {
                return Ok((0, newest));
            }
            match until {
                _ if closed => return Err(ReceiveError::Closed),
                None => return Err(ReceiveError::Empty),
                Some(until) if Monotonic::now() >= until => return Err(ReceiveError::TimedOut),
                Some(until) => self.bell.wait_until(seen, until),
            }
        }
    }
}

impl<T> Drop for SnapshotProducer<T> {
    /// Whoever waits is to see that nothing will come; the writer must be gone before the bells ring.
    fn drop(&mut self) {
        self.writer = None;
        for bell in &self.bells {
            bell.ring();
        }
    }
}
