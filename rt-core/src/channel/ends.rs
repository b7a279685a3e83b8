//! The two ends of every channel, whatever carries it.

use std::time::Duration;

use super::{ReceiveError, SendError, WhenFull};
use crate::clock::Monotonic;

/// What a backend does for a producer.
pub(super) trait SendEnd<T>: Send {
    /// Sends by the channel's rule, waiting for room until `until` where it is given. `Ok` carries a message that this
    /// one has pushed out.
    fn send(&mut self, message: T, until: Option<Monotonic>) -> Result<Option<T>, SendError<T>>;
}

/// What a backend does for a consumer.
pub(super) trait ReceiveEnd<T>: Send {
    /// Receives, waiting until `until` where it is given; where it is not, an empty channel is
    /// [`ReceiveError::Empty`]. Tells which producer sent it, counted from 0.
    fn receive(&mut self, until: Option<Monotonic>) -> Result<(usize, T), ReceiveError>;
}

/// The sending end.
pub struct Producer<T> {
    end: Box<dyn SendEnd<T>>,
    longest_wait: Option<Duration>,
}

impl<T> Producer<T> {
    pub(super) fn new(end: impl SendEnd<T> + 'static, when_full: WhenFull) -> Self {
        let longest_wait = match when_full {
            WhenFull::Block { at_most } => Some(at_most),
            WhenFull::Reject | WhenFull::EvictOldest | WhenFull::KeepLatest => None,
        };
        Self { end: Box::new(end), longest_wait }
    }

    /// Sends a message by the channel's rule. Where that is not to block, it never waits, locks or allocates. `Ok`
    /// carries the message that this one pushed out.
    ///
    /// # Errors
    /// [`SendError`], with the message: full, no room in time, or nobody left to receive. Between processes a consumer
    /// that left or died is told once the channel is full; until then another may take its place.
    pub fn send(&mut self, message: T) -> Result<Option<T>, SendError<T>> {
        let until = self.longest_wait.map(|wait| Monotonic::now().plus(wait));
        self.end.send(message, until)
    }

    /// As [`Producer::send`], but a producer that blocks waits no longer than `until`: a deadline that the message
    /// brings along.
    ///
    /// # Errors
    /// As [`Producer::send`].
    pub fn send_until(&mut self, message: T, until: Monotonic) -> Result<Option<T>, SendError<T>> {
        let until = self.longest_wait.map(|wait| Monotonic::now().plus(wait).min(until));
        self.end.send(message, until)
    }
}

/// The receiving end.
pub struct Consumer<T> {
    end: Box<dyn ReceiveEnd<T>>,
}

impl<T> Consumer<T> {
    pub(super) fn new(end: impl ReceiveEnd<T> + 'static) -> Self {
        Self { end: Box::new(end) }
    }

    /// What is there now. Never waits, locks or allocates.
    ///
    /// # Errors
    /// [`ReceiveError::Empty`], or, between threads, [`ReceiveError::Closed`] once everything was received and nobody is
    /// left to send. How another process is costs a system call to know, so only [`Consumer::receive_until`] tells.
    pub fn receive(&mut self) -> Result<T, ReceiveError> {
        self.end.receive(None).map(|(_, message)| message)
    }

    /// Waits for a message, until `until` at most.
    ///
    /// # Errors
    /// [`ReceiveError::TimedOut`], [`ReceiveError::Closed`] once everything was received and nobody is left to send, and
    /// between processes [`ReceiveError::PeerDied`] and [`ReceiveError::Corrupt`].
    pub fn receive_until(&mut self, until: Monotonic) -> Result<T, ReceiveError> {
        self.end.receive(Some(until)).map(|(_, message)| message)
    }
}
