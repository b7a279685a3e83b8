//! An end that is held: given back, and the other end told, when the last who needs it is dropped.

use super::super::claim::{Claimed, Held, Role};
use super::super::identity::ProcessId;
use super::state::Memory;

/// The right to be one end of a ring.
#[derive(Debug)]
pub(in super::super) struct Attachment {
    memory: Memory,
    role: Role,
    held: Held,
}

impl Attachment {
    /// Takes the end `role` for `own`, this process.
    pub(super) fn take(memory: &Memory, own: ProcessId, role: Role) -> Result<Self, Claimed> {
        let control = memory.control();
        let claim = if role == Role::Producer { &control.producer } else { &control.consumer };
        let held = claim.take(own, memory.ring, role)?;
        Ok(Self { memory: memory.clone(), role, held })
    }

    /// Whether it was taken from a process that had died with it.
    pub(super) const fn taken_over(&self) -> bool {
        self.held.taken_over
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let control = self.memory.control();
        let (claim, index) = match self.role {
            Role::Producer => (&control.producer, &control.tail),
            _ => (&control.consumer, &control.head),
        };
        claim.release(&self.held);
        // Who sleeps there finds out now, and not when it next looks.
        index.leave();
    }
}
