//! Pushing: the producer's core, which knows nothing of processes, so that loom can run it.

use std::marker::PhantomData;

use super::super::claim::Role;
use super::super::words::{self, Message};
use super::error::{Corrupt, PushError};
use super::state::{Memory, ONE};
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

    /// Looks at the consumer's index; messages there is room for, as a distance.
    #[inline]
    pub(super) fn look(&mut self) -> Result<u32, Corrupt> {
        let head = self.memory.control().head.load();
        let used = self.tail.wrapping_sub(head);
        // A consumer only ever takes messages out.
        if used > self.tail.wrapping_sub(self.head) {
            return Err(self.memory.corrupt(Role::Producer, self.tail, head, self.tail));
        }
        self.head = head;
        Ok(self.memory.limit() - used)
    }

    /// Messages there is room for, as a distance; looks at the consumer's index where there seems to be none.
    #[inline]
    pub(super) fn room(&mut self) -> Result<u32, Corrupt> {
        match self.memory.limit() - self.tail.wrapping_sub(self.head) {
            0 => self.look(),
            room => Ok(room),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, message: &T) -> Result<(), PushError> {
        if self.room()? == 0 {
            return Err(PushError::Full { ring: self.memory.ring, capacity: self.memory.capacity() });
        }
        words::store(self.memory.slot(self.tail), message);
        Ok(self.commit(self.tail.wrapping_add(ONE))?)
    }

    pub(super) fn push_slice(&mut self, messages: &[T]) -> Result<usize, Corrupt> {
        // The cached index may be old: a batch looks whenever it would not fit.
        let wanted = u32::try_from(messages.len()).unwrap_or(u32::MAX).min(self.memory.capacity());
        if wanted == 0 {
            return Ok(0);
        }
        let mut room = self.room()? / ONE;
        if room < wanted {
            room = self.look()? / ONE;
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
    /// How many messages have been pushed and popped, modulo 2³¹.
    pub(super) fn counts(&self) -> (u32, u32) {
        (self.tail / ONE, self.memory.control().head.load() / ONE)
    }
}
