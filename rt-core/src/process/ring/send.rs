//! The producer's end.

use super::super::claim::{Claim, Peer, PeerWatch, Role};
use super::super::segment::{Name, Segment};
use super::super::watch::Watch;
use super::super::words::Message;
use super::attachment::Attachment;
use super::error::{AttachError, Corrupt, PushError, WaitError};
use super::push::Core;
use super::state::{Memory, ONE};
use super::wait::{self, End, Pace};
use crate::clock::Monotonic;

/// The one end of a ring that puts messages in. Dropping it gives the end back, for another to attach.
#[derive(Debug)]
pub struct Producer<T: Message> {
    core: Core<T>,
    attachment: Attachment,
    peer: PeerWatch,
    pace: Pace,
}

impl<T: Message> Producer<T> {
    /// Takes the producer's end of the ring `name`: the first to ask gets it, and of one whose process has died, the
    /// next, which goes on after the last message that was committed.
    ///
    /// # Errors
    /// [`AttachError`]: no such ring in the segment, the end is taken (by whom), or the ring is corrupt.
    pub fn attach(segment: &Segment, name: &str) -> Result<Self, AttachError> {
        let (memory, own) = Memory::of::<T>(segment, name)?;
        let attachment = Attachment::take(&memory, own, Role::Producer)?;
        let core = Core::new(memory)?;
        Ok(Self { core, attachment, peer: PeerWatch::default(), pace: Pace::default() })
    }

    /// Puts a copy of `message` in. Never waits; one system call only where the consumer sleeps.
    ///
    /// # Errors
    /// [`PushError::Full`] where the consumer is behind, [`PushError::Corrupt`] where the ring cannot be trusted.
    #[inline]
    pub fn push(&mut self, message: &T) -> Result<(), PushError> {
        self.core.push(message)
    }

    /// Puts copies of as many of `messages` in as there is room for, from the first on, in one commit; says how many.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    pub fn push_slice(&mut self, messages: &[T]) -> Result<usize, Corrupt> {
        self.core.push_slice(messages)
    }

    /// As [`Producer::push`], but waits for room until `until`.
    ///
    /// # Errors
    /// [`WaitError`]: timed out, the consumer has died or left, or the ring is corrupt. The message was not put in.
    pub fn push_until(&mut self, message: &T, until: Monotonic) -> Result<(), WaitError> {
        loop {
            self.wait(until)?;
            match self.push(message) {
                Ok(()) => return Ok(()),
                Err(PushError::Full { .. }) => {}
                Err(PushError::Corrupt(corrupt)) => return Err(corrupt.into()),
            }
        }
    }

    /// Waits until there is room for one message at least, or until `until`: spins for [`Pace::spin`], then sleeps.
    ///
    /// # Errors
    /// [`WaitError`]: timed out, the consumer has died or left, or the ring is corrupt.
    pub fn wait(&mut self, until: Monotonic) -> Result<(), WaitError> {
        wait::wait(self, until)
    }

    /// Messages there is room for now.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    pub fn room(&mut self) -> Result<usize, Corrupt> {
        Ok((self.core.look()? / ONE) as usize)
    }

    /// The most messages there is room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.core.memory.capacity() as usize
    }

    /// The ring's name.
    #[must_use]
    pub const fn name(&self) -> Name {
        self.core.memory.ring
    }

    /// How the consumer is: at most one system call while it stays the same process.
    pub fn peer(&mut self) -> Peer {
        self.peer.look(&self.core.memory.control().consumer)
    }

    /// How many consumers have attached so far: it has grown where one was replaced unseen.
    #[must_use]
    pub fn peers_so_far(&self) -> u64 {
        self.core.memory.control().consumer.generation()
    }

    /// The watch on the consumer that [`Producer::peer`] last found, for a reactor to wait on.
    #[must_use]
    pub const fn peer_watch(&self) -> Option<&Watch> {
        self.peer.watch()
    }

    /// Whether this end was taken over from a producer that died with it.
    #[must_use]
    pub fn took_over(&self) -> bool {
        self.attachment.taken_over()
    }

    /// How this end waits from now on.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// Where the messages pushed so far, and the consumer, stand: counts, modulo 2³¹.
    pub(in super::super) fn counts(&self) -> (u32, u32) {
        self.core.counts()
    }
}

impl<T: Message> End for Producer<T> {
    const PEER: Role = Role::Consumer;

    fn ready(&mut self) -> Result<bool, Corrupt> {
        Ok(self.core.room()? > 0)
    }

    fn sleep(&self, until: Monotonic) {
        self.core.sleep(until);
    }

    fn peer_claim(&mut self) -> (&mut PeerWatch, &Claim) {
        (&mut self.peer, &self.core.memory.control().consumer)
    }

    fn ring(&self) -> Name {
        self.core.memory.ring
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
