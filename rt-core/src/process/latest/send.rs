//! The writer's end.

use std::marker::PhantomData;

use super::super::claim::{Held, Role};
use super::super::segment::{Access, Segment};
use super::super::words::Message;
use super::AttachError;
use super::state::Memory;
use crate::sync::Ordering;

/// The one writer of a value. Dropping it gives the role back, for another to take.
#[derive(Debug)]
pub struct Writer<T: Message> {
    memory: Memory,
    held: Held,
    sequence: u64,
    writes: PhantomData<fn(T)>,
}

impl<T: Message> Writer<T> {
    /// Becomes the writer of the value `name`: the first to ask is, and after one whose process has died, the next,
    /// which goes on with the sequence number after the newest value's.
    ///
    /// # Errors
    /// [`AttachError`]: no such value in the segment, or it has a writer already (which).
    pub fn attach(segment: &Segment, name: &str) -> Result<Self, AttachError> {
        let (memory, own) = Memory::of::<T>(segment, name, Access::ReadWrite)?;
        let held = memory.control().writer.take(own, memory.name, Role::Writer)?;
        // The cell's numbers are only ever compared; one near the end of 64 bits can only have been garbled.
        let sequence = memory.control().newest.load(Ordering::Acquire).min(u64::MAX / 4);
        Ok(Self { memory, held, sequence, writes: PhantomData })
    }

    /// Makes `value` the newest and returns its sequence number, from 1. Takes the same few stores always: no waiting,
    /// no system call, whatever readers do.
    pub fn publish(&mut self, value: &T) -> u64 {
        self.sequence += 1;
        self.memory.publish(self.sequence, value);
        self.sequence
    }

    /// Sequence number of the newest value; 0 before the first.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether the role was taken over from a writer that died with it.
    #[must_use]
    pub const fn took_over(&self) -> bool {
        self.held.taken_over
    }
}

impl<T: Message> Drop for Writer<T> {
    fn drop(&mut self) {
        self.memory.control().writer.release(&self.held);
    }
}
