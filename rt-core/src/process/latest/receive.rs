//! The readers' end.

use std::marker::PhantomData;

use super::super::claim::{Peer, PeerWatch};
use super::super::segment::{Access, Name, Segment, SegmentError};
use super::super::words::Message;
use super::state::{BUFFERS, Memory};
use crate::sync::spin_loop;

/// Tries before a reader gives up: each fails only where the writer published more than [`BUFFERS`] − 2 values
/// meanwhile, so many in a row mean that something is very wrong.
const TRIES: u32 = 64;

/// A value as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest<T> {
    /// The value.
    pub value: T,
    /// Its number, from 1, without gaps as published.
    pub sequence: u64,
    /// Values published since the one this reader read before, and never seen by it; 0 for its first.
    pub missed: u64,
}

/// No consistent copy could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name}: in {TRIES} tries the writer was never still long enough for one copy ({} values); it publishes without pause, or is broken",
    BUFFERS - 1
)]
pub struct Outrun {
    /// The value's name.
    pub name: Name,
}

/// One reader of a value. Clones read on their own.
#[derive(Debug)]
pub struct Reader<T: Message> {
    memory: Memory,
    /// Number of the last value read; 0 for none.
    last: u64,
    writer: PeerWatch,
    reads: PhantomData<fn() -> T>,
}

impl<T: Message> Reader<T> {
    /// A reader of the value `name`; the segment may be mapped for reading only. Any number can attach.
    ///
    /// # Errors
    /// [`SegmentError`]: no such value in the segment, or not of type `T`.
    pub fn attach(segment: &Segment, name: &str) -> Result<Self, SegmentError> {
        let (memory, _) = Memory::of::<T>(segment, name, Access::ReadOnly)?;
        Ok(Self { memory, last: 0, writer: PeerWatch::default(), reads: PhantomData })
    }

    /// The newest value, read before or not; `None` before the first. Never waits, and writes nothing.
    ///
    /// # Errors
    /// [`Outrun`] where the writer was faster in every one of a bounded number of tries.
    pub fn newest(&mut self) -> Result<Option<Newest<T>>, Outrun> {
        for _ in 0..TRIES {
            match self.memory.try_newest() {
                Some(None) => return Ok(None),
                Some(Some((sequence, value))) => {
                    let first = self.last == 0;
                    let missed = if first { 0 } else { sequence.saturating_sub(self.last).saturating_sub(1) };
                    self.last = sequence;
                    return Ok(Some(Newest { value, sequence, missed }));
                }
                None => spin_loop(),
            }
        }
        Err(Outrun { name: self.memory.name })
    }

    /// As [`Reader::newest`], but `None` too where there is nothing newer than what this reader read last.
    ///
    /// # Errors
    /// As [`Reader::newest`].
    pub fn newer(&mut self) -> Result<Option<Newest<T>>, Outrun> {
        let last = self.last;
        Ok(self.newest()?.filter(|newest| newest.sequence != last))
    }

    /// How the writer is: at most one system call while it stays the same process.
    pub fn writer(&mut self) -> Peer {
        self.writer.look(&self.memory.control().writer)
    }
}

impl<T: Message> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), last: self.last, writer: PeerWatch::default(), reads: PhantomData }
    }
}
