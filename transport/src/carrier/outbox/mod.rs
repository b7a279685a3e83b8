//! The car's shards on their way into packets: what may go, what went, what goes again.
//!
//! The driver releases a frame's shards as its gate allows; the stack pulls a released shard when it can really send a
//! packet, and not before, so that a frame given up in the meantime takes nothing with it. Reports of the cloud bring
//! missing shards back to the front.

mod frame;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};

use super::code::Object;
use crate::wire::datagram::{Message, Progress, SHARD_HEADER_BYTES, ShardHeader};
use crate::wire::frame::HEADER_BYTES;
use crate::wire::layout::ShardLayout;

use frame::OutFrame;

/// Small messages waiting for a packet; the oldest gives way, as each is repeated or replaced by a later one.
const MOST_MESSAGES: usize = 256;
/// Shells of finished frames kept for the next.
const MOST_SPARE: usize = 16;

/// A frame to be begun.
#[derive(Debug)]
pub struct NewFrame {
    /// Its number on the wire.
    pub frame: u32,
    /// How it is cut.
    pub layout: ShardLayout,
    /// The encoded frame header.
    pub header: [u8; HEADER_BYTES],
    /// The payload, which is not copied.
    pub payload: Bytes,
    /// When its decision is due.
    pub deadline: Deadline,
}

#[derive(Clone, Copy, Debug)]
struct Release {
    frame: u32,
    index: u16,
    budget: Duration,
}

/// Frames that have been begun, and the shards that may go.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: Vec<OutFrame>,
    released: VecDeque<Release>,
    messages: VecDeque<Message>,
    /// Bytes that were released and dropped before the stack took them, since somebody asked.
    dropped_bytes: u64,
    spare: Vec<OutFrame>,
}

impl Outbox {
    /// Begins a frame; `repair` fills in its repair shards. Nothing goes before it is released.
    pub fn begin<E>(
        &mut self,
        new: NewFrame,
        repair: impl FnOnce(Object<'_>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.fill(new);
        let outcome = frame.add_repair(repair);
        if outcome.is_ok() {
            self.frames.push(frame);
        } else {
            self.put_away(frame);
        }
        outcome
    }

    /// Lets up to about `limit` more bytes of a frame go, one shard at least; how many that is. Shards that go again come
    /// first.
    pub fn release(&mut self, frame: u32, limit: usize, now: Monotonic) -> usize {
        let Some(frame) = self.frames.iter_mut().find(|candidate| candidate.number() == frame) else { return 0 };
        let budget = frame.deadline().budget_at(now);
        let mut bytes = 0;
        while bytes < limit.max(1)
            && let Some(index) = frame.next(now)
        {
            bytes += frame.layout().carried_bytes(index) + SHARD_HEADER_BYTES;
            self.released.push_back(Release { frame: frame.number(), index, budget });
        }
        bytes
    }

    /// Bytes of a frame that have not been released, of shards to be sent again too.
    #[must_use]
    pub fn unsent_bytes(&self, frame: u32) -> u64 {
        self.frame(frame).map_or(0, OutFrame::unsent_bytes)
    }

    /// The cloud's report on a frame. Shards that are lost for certain go again where the report shows that it is short of
    /// them, `extra` more than that; a frame that is not wanted any more is emptied. Returns whether shards were queued.
    pub fn hear(&mut self, report: &Progress, now: Monotonic, round_trip: Duration, extra: u16) -> bool {
        let Some(frame) = self.frames.iter_mut().find(|candidate| candidate.number() == report.frame) else {
            return false;
        };
        let queued = frame.hear(report, now, round_trip, extra);
        if frame.is_over() {
            self.drop_released(report.frame);
        }
        queued
    }

    /// When [`Outbox::probe`] next has something to do.
    #[must_use]
    pub fn next_probe(&self, round_trip: Duration) -> Option<Monotonic> {
        self.frames.iter().filter_map(|frame| frame.probe_at(round_trip)).min()
    }

    /// Asks after frames of which everything went and nothing was heard for longer than a report takes.
    pub fn probe(&mut self, now: Monotonic, round_trip: Duration) {
        for frame in &mut self.frames {
            if frame.probe_at(round_trip).is_some_and(|at| at <= now) {
                frame.probe();
            }
        }
    }

    /// Forgets a frame, whose payload is dropped; `tell` the cloud where it still collects it.
    pub fn remove(&mut self, frame: u32, tell: bool) {
        let Some(place) = self.frames.iter().position(|candidate| candidate.number() == frame) else { return };
        self.drop_released(frame);
        let gone = self.frames.swap_remove(place);
        if tell && gone.went() && !gone.is_over() {
            self.message(Message::abandon(frame));
        }
        self.put_away(gone);
    }

    fn drop_released(&mut self, number: u32) {
        let Some(frame) = self.frames.iter().find(|candidate| candidate.number() == number) else { return };
        let dropped = &mut self.dropped_bytes;
        self.released.retain(|release| {
            let stays = release.frame != number;
            if !stays {
                *dropped += (frame.layout().carried_bytes(release.index) + SHARD_HEADER_BYTES) as u64;
            }
            stays
        });
    }

    /// Bytes that were released and dropped before the stack took them, since the last call: nothing will ever say that
    /// they were sent.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped_bytes)
    }

    fn put_away(&mut self, mut frame: OutFrame) {
        frame.empty();
        if self.spare.len() < MOST_SPARE {
            self.spare.push(frame);
        }
    }

    /// Queues a small message, which goes before all shards.
    pub fn message(&mut self, message: Message) {
        if self.messages.len() >= MOST_MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// Forgets everything, as the connection is gone.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether anything may go.
    #[must_use]
    pub fn has_something(&self) -> bool {
        !self.messages.is_empty() || !self.released.is_empty()
    }

    /// Bytes of the next datagram.
    #[must_use]
    pub fn next_bytes(&self) -> Option<usize> {
        if let Some(message) = self.messages.front() {
            return Some(message.as_ref().len());
        }
        let release = self.released.front()?;
        let carried = self.frame(release.frame).map_or(0, |frame| frame.layout().carried_bytes(release.index));
        Some(carried + SHARD_HEADER_BYTES)
    }

    /// Gives the next datagram to `write`, in parts; it stays where that returns `false`. Whether one was written.
    pub fn pull(&mut self, write: impl FnOnce(&[&[u8]]) -> bool) -> bool {
        if let Some(message) = self.messages.front() {
            let written = write(&[message.as_ref()]);
            if written {
                self.messages.pop_front();
            }
            return written;
        }
        let Some(release) = self.released.front().copied() else { return false };
        let Some(frame) = self.frames.iter_mut().find(|candidate| candidate.number() == release.frame) else {
            self.released.pop_front();
            return true;
        };
        let Release { frame: number, index, budget } = release;
        let header = ShardHeader { frame: number, index, layout: frame.layout(), budget }.encode();
        let [first, second] = frame.shard(index);
        if !write(&[&header, first, second]) {
            return false;
        }
        frame.pulled(index, true);
        self.released.pop_front();
        true
    }

    /// Drops the next shard, which fits into no packet: to the cloud it is as good as lost.
    pub fn skip(&mut self) {
        if self.messages.pop_front().is_some() {
            return;
        }
        if let Some(release) = self.released.pop_front()
            && let Some(frame) = self.frames.iter_mut().find(|candidate| candidate.number() == release.frame)
        {
            frame.pulled(release.index, false);
        }
    }

    fn frame(&self, number: u32) -> Option<&OutFrame> {
        self.frames.iter().find(|candidate| candidate.number() == number)
    }
}

#[cfg(test)]
mod tests;
