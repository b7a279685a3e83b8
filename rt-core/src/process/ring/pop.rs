//! Popping: the consumer's core, which knows nothing of processes, so that loom can run it.

use std::marker::PhantomData;

use super::super::claim::Role;
use super::super::words::{self, Message};
use super::error::Corrupt;
use super::state::{Memory, ONE};
use crate::clock::Monotonic;

/// What popping needs, without who does it.
#[derive(Debug)]
pub(super) struct Core<T> {
    pub(super) memory: Memory,
    /// This end's own index: the one in memory is for the producer.
    head: u32,
    /// The producer's index when last looked at.
    tail: u32,
    carries: PhantomData<fn() -> T>,
}

impl<T: Message> Core<T> {
    /// Goes on where the indices in memory stand.
    pub(super) fn new(memory: Memory) -> Result<Self, Corrupt> {
        let (head, tail) = (memory.control().head.load(), memory.control().tail.load());
        if tail.wrapping_sub(head) > memory.limit() {
            return Err(memory.corrupt(Role::Consumer, tail, head, head));
        }
        Ok(Self { memory, head, tail, carries: PhantomData })
    }

    /// Looks at the producer's index; messages there are, as a distance.
    #[inline]
    pub(super) fn look(&mut self) -> Result<u32, Corrupt> {
        let tail = self.memory.control().tail.load();
        let waiting = tail.wrapping_sub(self.head);
        // A producer only ever adds messages, and never more than fit.
        if waiting > self.memory.limit() || waiting < self.tail.wrapping_sub(self.head) {
            return Err(self.memory.corrupt(Role::Consumer, tail, self.head, self.head));
        }
        self.tail = tail;
        Ok(waiting)
    }

    /// Messages there are, as a distance; looks at the producer's index where there seem to be none.
    #[inline]
    pub(super) fn waiting(&mut self) -> Result<u32, Corrupt> {
        match self.tail.wrapping_sub(self.head) {
            0 => self.look(),
            waiting => Ok(waiting),
        }
    }

    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<T>, Corrupt> {
        if self.waiting()? == 0 {
            return Ok(None);
        }
        Ok(Some(words::load(self.memory.slot(self.head))))
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Result<Option<T>, Corrupt> {
        let message = self.peek()?;
        if message.is_some() {
            self.commit(self.head.wrapping_add(ONE))?;
        }
        Ok(message)
    }

    pub(super) fn discard(&mut self) -> Result<bool, Corrupt> {
        let any = self.waiting()? > 0;
        if any {
            self.commit(self.head.wrapping_add(ONE))?;
        }
        Ok(any)
    }

    pub(super) fn pop_into(&mut self, room: &mut [T]) -> Result<usize, Corrupt> {
        let wanted = u32::try_from(room.len()).unwrap_or(u32::MAX).min(self.memory.capacity());
        let mut waiting = self.waiting()? / ONE;
        if waiting < wanted {
            waiting = self.look()? / ONE;
        }
        let mut next = self.head;
        for message in room.iter_mut().take(waiting.min(wanted) as usize) {
            *message = words::load(self.memory.slot(next));
            next = next.wrapping_add(ONE);
        }
        let popped = next.wrapping_sub(self.head) / ONE;
        if popped > 0 {
            self.commit(next)?;
        }
        Ok(popped as usize)
    }

    #[inline]
    fn commit(&mut self, next: u32) -> Result<(), Corrupt> {
        let own = std::mem::replace(&mut self.head, next);
        let found = self.memory.control().head.commit(next);
        if found == own { Ok(()) } else { Err(self.memory.corrupt(Role::Consumer, self.tail, found, own)) }
    }

    /// Sleeps until there may be a message, or until `until`.
    pub(super) fn sleep(&self, until: Monotonic) {
        let control = self.memory.control();
        control.tail.sleep(self.tail, &control.producer, until);
    }
    /// How many messages have been popped, modulo 2³¹.
    pub(super) const fn count(&self) -> u32 {
        self.head / ONE
    }
}
