//! The thread backend: a ring for each pair of producer and consumer, and a bell for each end that may sleep.

use super::edge::{EdgeIn, EdgeOut, edge};
use super::ends::{ReceiveEnd, SendEnd};
use super::{ChannelSpec, OpenError, ReceiveError, SendError, WhenFull};
use crate::clock::Monotonic;
use crate::doorbell::Doorbell;

/// A producer's end: an edge to every consumer.
pub(super) struct ThreadProducer<T: Send> {
    edges: Vec<(EdgeIn<T>, Doorbell)>,
    /// Where the search for room begins, so that consumers are served in turn.
    next: usize,
    /// Rung by consumers that have made room, where this channel's producers wait for it.
    room: Option<Doorbell>,
}

/// A consumer's end: an edge from every producer.
pub(super) struct ThreadConsumer<T: Send> {
    edges: Vec<(EdgeOut<T>, Option<Doorbell>)>,
    /// Where the search for a message begins, so that producers are served in turn.
    next: usize,
    bell: Doorbell,
}

/// Every end of the channel that `spec` (checked before) describes.
#[expect(clippy::type_complexity, reason = "both sides of one channel")]
pub(super) fn ends<T: Send>(spec: &ChannelSpec) -> Result<(Vec<ThreadProducer<T>>, Vec<ThreadConsumer<T>>), OpenError> {
    let blocking = matches!(spec.when_full, WhenFull::Block { .. });
    let mut consumers: Vec<ThreadConsumer<T>> = Vec::new();
    consumers.resize_with(spec.topology.consumers(), || ThreadConsumer {
        edges: Vec::new(),
        next: 0,
        bell: Doorbell::futex(),
    });
    let mut producers = Vec::new();
    for _ in 0..spec.topology.producers() {
        let room = blocking.then(Doorbell::futex);
        let mut edges = Vec::new();
        for consumer in &mut consumers {
            let (tx, rx) = edge(spec)?;
            consumer.edges.push((rx, room.clone()));
            edges.push((tx, consumer.bell.clone()));
        }
        producers.push(ThreadProducer { edges, next: 0, room });
    }
    Ok((producers, consumers))
}

impl<T: Send> ThreadProducer<T> {
    /// One attempt: the first consumer in turn that has room, else the message comes back.
    fn attempt(&mut self, message: T) -> Result<Option<T>, SendError<T>> {
        let (mut message, mut alive) = (message, false);
        let (later, sooner) = self.edges.split_at_mut_checked(self.next).unwrap_or_default();
        let in_turn = sooner.iter_mut().chain(later);
        for (passed, (edge, bell)) in in_turn.enumerate() {
            if edge.is_abandoned() {
                continue;
            }
            alive = true;
            match edge.put(message) {
                Ok(pushed_out) => {
                    bell.ring();
                    self.next = (self.next + passed + 1) % self.edges.len();
                    return Ok(pushed_out);
                }
                Err(refused) => message = refused,
            }
        }
        Err(if alive { SendError::Full(message) } else { SendError::Closed(message) })
    }
}

impl<T: Send> SendEnd<T> for ThreadProducer<T> {
    fn send(&mut self, mut message: T, until: Option<Monotonic>) -> Result<Option<T>, SendError<T>> {
        loop {
            let seen = self.room.as_ref().map(Doorbell::count);
            match self.attempt(message) {
                Err(SendError::Full(refused)) => message = refused,
                end => return end,
            }
            match (&self.room, seen, until) {
                (Some(room), Some(seen), Some(until)) if Monotonic::now() < until => room.wait_until(seen, until),
                (Some(_), _, Some(_)) => return Err(SendError::TimedOut(message)),
                _ => return Err(SendError::Full(message)),
            }
        }
    }
}

impl<T: Send> ThreadConsumer<T> {
    /// One round over the producers: whose message, and the message; `None` where nothing is there.
    fn attempt(&mut self) -> Option<(usize, T)> {
        let (later, sooner) = self.edges.split_at_mut_checked(self.next)?;
        for (passed, (edge, room)) in sooner.iter_mut().chain(later).enumerate() {
            if let Some(message) = edge.take() {
                if let Some(room) = room {
                    room.ring();
                }
                let producer = (self.next + passed) % self.edges.len();
                self.next = (producer + 1) % self.edges.len();
                return Some((producer, message));
            }
        }
        None
    }
}

impl<T: Send> ReceiveEnd<T> for ThreadConsumer<T> {
    fn receive(&mut self, until: Option<Monotonic>) -> Result<(usize, T), ReceiveError> {
        loop {
            let seen = self.bell.count();
            // Asked before looking: what a producer sent before it left is still found.
            let closed = self.edges.iter().all(|(edge, _)| edge.is_abandoned());
            match (self.attempt(), until) {
                (Some(received), _) => return Ok(received),
                (None, _) if closed => return Err(ReceiveError::Closed),
                (None, None) => return Err(ReceiveError::Empty),
                (None, Some(until)) if Monotonic::now() >= until => return Err(ReceiveError::TimedOut),
                (None, Some(until)) => self.bell.wait_until(seen, until),
            }
        }
    }
}

impl<T: Send> Drop for ThreadProducer<T> {
    /// Whoever waits for messages is to see that none will come; the edges must be gone before the bells ring.
    fn drop(&mut self) {
        for (edge, bell) in self.edges.drain(..) {
            drop(edge);
            bell.ring();
        }
    }
}

impl<T: Send> Drop for ThreadConsumer<T> {
    /// As with producers, for those that wait for room.
    fn drop(&mut self) {
        for (edge, room) in self.edges.drain(..) {
            drop(edge);
            if let Some(room) = room {
                room.ring();
            }
        }
    }
}
