//! The consumer's end.

use std::sync::Arc;

use super::super::claim::{Claim, Peer, PeerWatch, Role};
use super::super::segment::{Name, Segment};
use super::super::watch::Watch;
use super::super::words::Message;
use super::attachment::Attachment;
use super::error::{AttachError, Corrupt, WaitError};
use super::pop::Core;
use super::state::{Memory, ONE};
use super::wait::{self, End, Pace};
use crate::clock::Monotonic;

/// The one end of a ring that takes messages out. Dropping it gives the end back, for another to attach.
#[derive(Debug)]
pub struct Consumer<T: Message> {
    core: Core<T>,
    /// Shared with the leases of what this end received: while one lives, nobody else can be the consumer.
    attachment: Arc<Attachment>,
    peer: PeerWatch,
    pace: Pace,
}

impl<T: Message> Consumer<T> {
    /// Takes the consumer's end of the ring `name`: the first to ask gets it, and of one whose process has died, the
    /// next, which goes on after the last message that was taken.
    ///
    /// # Errors
    /// [`AttachError`]: no such ring in the segment, the end is taken (by whom), or the ring is corrupt.
    pub fn attach(segment: &Segment, name: &str) -> Result<Self, AttachError> {
        let (memory, own) = Memory::of::<T>(segment, name)?;
        let attachment = Attachment::take(&memory, own, Role::Consumer)?;
        let core = Core::new(memory)?;
        Ok(Self { core, attachment: Arc::new(attachment), peer: PeerWatch::default(), pace: Pace::default() })
    }

    /// Takes the oldest message, if there is one. Never waits; one system call only where the producer sleeps. A
    /// message is delivered at most once: if this process is killed right after, it is gone.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    #[inline]
    pub fn pop(&mut self) -> Result<Option<T>, Corrupt> {
        self.core.pop()
    }

    /// A copy of the oldest message, which stays until [`Consumer::discard`]: if this process is killed in between,
    /// the next consumer gets it again, so a message is delivered at least once.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    pub fn peek(&mut self) -> Result<Option<T>, Corrupt> {
        self.core.peek()
    }

    /// Takes the oldest message without looking at it; whether there was one.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    pub fn discard(&mut self) -> Result<bool, Corrupt> {
        self.core.discard()
    }

    /// Takes as many messages as there are and `room` has place for, oldest first, in one commit; says how many.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    pub fn pop_into(&mut self, room: &mut [T]) -> Result<usize, Corrupt> {
        self.core.pop_into(room)
    }

    /// As [`Consumer::pop`], but waits for a message until `until`.
    ///
    /// # Errors
    /// [`WaitError`]: timed out, the producer has died or left and everything it committed has been taken, or the
    /// ring is corrupt.
    pub fn pop_until(&mut self, until: Monotonic) -> Result<T, WaitError> {
        loop {
            self.wait(until)?;
            if let Some(message) = self.pop()? {
                return Ok(message);
            }
        }
    }

    /// Waits until there is a message, or until `until`: spins for [`Pace::spin`], then sleeps.
    ///
    /// # Errors
    /// As [`Consumer::pop_until`].
    pub fn wait(&mut self, until: Monotonic) -> Result<(), WaitError> {
        wait::wait(self, until)
    }

    /// Messages that wait now.
    ///
    /// # Errors
    /// [`Corrupt`] where the ring cannot be trusted.
    pub fn waiting(&mut self) -> Result<usize, Corrupt> {
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

    /// How the producer is: at most one system call while it stays the same process. A ring whose producer has died
    /// may still have messages in it.
    pub fn peer(&mut self) -> Peer {
        self.peer.look(&self.core.memory.control().producer)
    }

    /// How many producers have attached so far: it has grown where one was replaced unseen.
    #[must_use]
    pub fn peers_so_far(&self) -> u64 {
        self.core.memory.control().producer.generation()
    }

    /// The watch on the producer that [`Consumer::peer`] last found, for a reactor to wait on.
    #[must_use]
    pub const fn peer_watch(&self) -> Option<&Watch> {
        self.peer.watch()
    }

    /// Whether this end was taken over from a consumer that died with it.
    #[must_use]
    pub fn took_over(&self) -> bool {
        self.attachment.taken_over()
    }

    /// How this end waits from now on.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// What keeps this end taken after it was dropped.
    pub(in super::super) fn attachment(&self) -> Arc<Attachment> {
        Arc::clone(&self.attachment)
    }

    /// Messages taken so far by this end and those before it, modulo 2³¹.
    pub(in super::super) const fn count(&self) -> u32 {
        self.core.count()
    }
}

impl<T: Message> End for Consumer<T> {
    const PEER: Role = Role::Producer;

    fn ready(&mut self) -> Result<bool, Corrupt> {
        Ok(self.core.waiting()? > 0)
    }

    fn sleep(&self, until: Monotonic) {
        self.core.sleep(until);
    }

    fn peer_claim(&mut self) -> (&mut PeerWatch, &Claim) {
        (&mut self.peer, &self.core.memory.control().producer)
    }

    fn ring(&self) -> Name {
        self.core.memory.ring
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
