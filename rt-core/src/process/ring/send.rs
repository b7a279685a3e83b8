//! The producer's end.

use std::marker::PhantomData;

use super::super::claim::{Claim, Peer, PeerWatch, Role};
use super::super::identity::Watch;
use super::super::segment::{Name, Segment};
use super::super::words::{self, Message};
use super::attachment::Attachment;
use super::error::{AttachError, Corrupt, PushError, WaitError};
use super::state::{Memory, ONE};
use super::wait::{self, End, Pace};
use crate::clock::Monotonic;

/// What pushing needs, without who does it.
#[derive(Debug)]
pub(super) struct Core<T> {
    pub(super) memory: Memory,
    /// This end's own index: the one in memory is for the consumer.
    tail: u32,
    /// The consumer's index when last looked at.
    head: u32,
    carries: PhantomData<fn(T)>,
}

impl<T: Message> Core<T> {
    /// Goes on where the indices in memory stand.
    pub(super) fn new(memory: Memory) -> Result<Self, Corrupt> {
        let (tail, head) = (memory.control().tail.load(), memory.control().head.load());
        if tail.wrapping_sub(head) > memory.limit() {
            return Err(memory.corrupt(Role::Producer, tail, head, tail));
        }
        Ok(Self { memory, tail, head, carries: PhantomData })
    }

    /// Messages there is room for, as a distance; looks at the consumer's index where there seems to be none.
    #[inline]
    fn room(&mut self) -> Result<u32, Corrupt> {
        let used = self.tail.wrapping_sub(self.head);
        if used < self.memory.limit() {
            return Ok(self.memory.limit() - used);
        }
        let head = self.memory.control().head.load();
        let used_now = self.tail.wrapping_sub(head);
        // A consumer only ever takes messages out.
        if used_now > used {
            return Err(self.memory.corrupt(Role::Producer, self.tail, head, self.tail));
        }
        self.head = head;
        Ok(self.memory.limit() - used_now)
    }

    #[inline]
    pub(super) fn push(&mut self, message: &T) -> Result<(), PushError> {
        if self.room()? == 0 {
            return Err(PushError::Full { ring: self.memory.ring, capacity: self.memory.capacity() });
        }
        words::store(self.memory.slot(self.tail), message);
        Ok(self.commit(self.tail.wrapping_add(ONE))?)
    }

    fn push_slice(&mut self, messages: &[T]) -> Result<usize, Corrupt> {
        // The cached index may be old: a batch looks whenever it would not fit.
        let wanted = u32::try_from(messages.len()).unwrap_or(u32::MAX).min(self.memory.capacity());
        if wanted == 0 {
            return Ok(0);
        }
        let mut room = self.room()? / ONE;
        if room < wanted {
            self.head = self.fresh_head()?;
            room = self.room()? / ONE;
        }
        let mut next = self.tail;
        for message in messages.iter().take(room.min(wanted) as usize) {
            words::store(self.memory.slot(next), message);
            next = next.wrapping_add(ONE);
        }
        let pushed = next.wrapping_sub(self.tail) / ONE;
        if pushed > 0 {
            self.commit(next)?;
        }
        Ok(pushed as usize)
    }

    fn fresh_head(&self) -> Result<u32, Corrupt> {
        let head = self.memory.control().head.load();
        if self.tail.wrapping_sub(head) > self.tail.wrapping_sub(self.head) {
            return Err(self.memory.corrupt(Role::Producer, self.tail, head, self.tail));
        }
        Ok(head)
    }

    #[inline]
    fn commit(&mut self, next: u32) -> Result<(), Corrupt> {
        let own = std::mem::replace(&mut self.tail, next);
        let found = self.memory.control().tail.commit(next);
        if found == own { Ok(()) } else { Err(self.memory.corrupt(Role::Producer, found, self.head, own)) }
    }

    /// Sleeps until there may be room, or until `until`.
    pub(super) fn sleep(&self, until: Monotonic) {
        let control = self.memory.control();
        control.head.sleep(self.head, &control.consumer, until);
    }
}

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
        self.core.head = self.core.fresh_head()?;
        Ok((self.core.room()? / ONE) as usize)
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
        (self.core.tail / ONE, self.core.memory.control().head.load() / ONE)
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
