//! The cloud's side of the datagram carrier: shards come in, objects come out, and what is missing is told.
//!
//! Memory is bounded by what the owner of a [`Ledger`] grants: a frame is charged for its whole object before the first
//! of its bytes is kept, and its buffer grows only with what really comes. A frame ends whole, expired, or abandoned, and
//! in each case its charge is given back or handed over.

mod frame;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::Monotonic;

use super::code::Decoder;
use crate::wire::datagram::{Progress, Reception, ShardHeader};

use frame::InFrame;

/// Frames that ended, remembered so that a shard that comes late does not begin them again.
const REMEMBERED: usize = 128;

/// Who grants a car its memory.
pub trait Ledger {
    /// Sets `bytes` aside; `false` where the car holds too much.
    fn hold(&mut self, bytes: u64) -> bool;
    /// Gives back what [`Ledger::hold`] set aside.
    fn release(&mut self, bytes: u64);
}

/// What one connection may collect.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblyLimits {
    /// Frames at a time.
    pub max_frames: usize,
    /// Largest object: frame header and payload.
    pub max_object_bytes: u32,
}

/// A frame that is whole. Its charge of [`WholeFrame::held_bytes`] goes over to whoever takes it.
#[derive(Debug, PartialEq, Eq)]
pub struct WholeFrame {
    /// The car's number of it.
    pub frame: u32,
    /// Frame header and payload.
    pub object: Bytes,
    /// What the ledger granted for it.
    pub held_bytes: u64,
    /// When its first shard came.
    pub first_at: Monotonic,
    /// When its last one came.
    pub newest_at: Monotonic,
    /// When its result has to leave the cloud.
    pub deadline: Monotonic,
}

/// What a shard led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to be told.
    Nothing,
    /// Tell the car.
    Report(Progress),
    /// The frame is whole; tell the car so, and detect.
    Whole(WholeFrame),
}

/// Frames of one connection that are being collected.
#[derive(Debug)]
pub struct Reassembly {
    limits: ReassemblyLimits,
    frames: Vec<InFrame>,
    /// How frames ended, oldest first, and when the car was last told.
    ended: VecDeque<(u32, Reception, Monotonic)>,
    /// The newest frame that was forgotten; none before it begins.
    forgotten: Option<u32>,
}

/// Whether `a` is not after `b`, where numbers run round.
fn not_after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a) < u32::MAX / 2
}

impl Reassembly {
    /// Nothing yet.
    #[must_use]
    pub fn new(limits: ReassemblyLimits) -> Self {
        Self { limits, frames: Vec::new(), ended: VecDeque::with_capacity(REMEMBERED), forgotten: None }
    }

    /// Frames being collected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// A shard came at `now`; `round_trip` is the path's smallest.
    pub fn shard(
        &mut self,
        now: Monotonic,
        header: &ShardHeader,
        bytes: &[u8],
        round_trip: Duration,
        decoder: &mut Decoder,
        ledger: &mut impl Ledger,
    ) -> Step {
        if let Some(ended) = self.ended.iter_mut().find(|ended| ended.0 == header.frame) {
            // The car did not hear of it, or this shard was on its way already.
            if now.saturating_since(ended.2) <= round_trip {
                return Step::Nothing;
            }
            ended.2 = now;
            return Step::Report(Progress::last(ended.0, ended.1));
        }
        // Half the round trip was spent on the way here, the other half will be by the result.
        let deadline = now.plus(header.budget.saturating_sub(round_trip));
        let place = match self.frames.iter().position(|frame| frame.number() == header.frame) {
            Some(place) => place,
            None => match self.begin(now, header, deadline, ledger) {
                Ok(place) => place,
                Err(None) => return Step::Nothing,
                Err(Some(state)) => return Step::Report(self.end(now, header.frame, state)),
            },
        };
        let Some(frame) = self.frames.get_mut(place) else { return Step::Nothing };
        if frame.layout() != header.layout {
            return self.finish(now, place, Reception::Error, ledger);
        }
        frame.take(now, header.index, bytes, deadline);
        if !frame.is_whole() {
            return frame.shortage(now).map_or(Step::Nothing, Step::Report);
        }
        let frame = self.frames.swap_remove(place);
        let (number, held_bytes) = (frame.number(), frame.held_bytes());
        match frame.into_object(decoder) {
            Some((object, [first_at, newest_at, deadline])) => {
                self.end(now, number, Reception::Whole);
                Step::Whole(WholeFrame { frame: number, object, held_bytes, first_at, newest_at, deadline })
            }
            None => {
                ledger.release(held_bytes);
                Step::Report(self.end(now, number, Reception::Error))
            }
        }
    }

    fn begin(
        &mut self,
        now: Monotonic,
        header: &ShardHeader,
        deadline: Monotonic,
        ledger: &mut impl Ledger,
    ) -> Result<usize, Option<Reception>> {
        if self.forgotten.is_some_and(|forgotten| not_after(header.frame, forgotten)) {
            return Err(None);
        }
        let object_bytes = header.layout.object_bytes();
        if object_bytes > self.limits.max_object_bytes {
            return Err(Some(Reception::Error));
        }
        if deadline <= now {
            return Err(Some(Reception::Expired));
        }
        let held_bytes = u64::from(object_bytes);
        if self.frames.len() >= self.limits.max_frames || !ledger.hold(held_bytes) {
            return Err(Some(Reception::Overload));
        }
        self.frames.push(InFrame::new(header.frame, header.layout, held_bytes, now, deadline));
        Ok(self.frames.len() - 1)
    }

    /// Remembers how a frame ended, which is also what to tell.
    fn end(&mut self, now: Monotonic, frame: u32, state: Reception) -> Progress {
        if self.ended.len() >= REMEMBERED
            && let Some((oldest, ..)) = self.ended.pop_front()
            && self.forgotten.is_none_or(|forgotten| not_after(forgotten, oldest))
        {
            self.forgotten = Some(oldest);
        }
        self.ended.push_back((frame, state, now));
        Progress::last(frame, state)
    }

    fn finish(&mut self, now: Monotonic, place: usize, state: Reception, ledger: &mut impl Ledger) -> Step {
        let frame = self.frames.swap_remove(place);
        ledger.release(frame.held_bytes());
        Step::Report(self.end(now, frame.number(), state))
    }

    /// The car gave a frame up.
    pub fn abandon(&mut self, now: Monotonic, frame: u32, ledger: &mut impl Ledger) {
        if let Some(place) = self.frames.iter().position(|candidate| candidate.number() == frame) {
            let _ = self.finish(now, place, Reception::Expired, ledger);
        }
    }

    /// A frame that turned out to be wrong in itself after it was whole; what to tell.
    pub fn wrong(&mut self, now: Monotonic, frame: u32) -> Progress {
        if let Some(ended) = self.ended.iter_mut().find(|ended| ended.0 == frame) {
            (ended.1, ended.2) = (Reception::Error, now);
        }
        Progress::last(frame, Reception::Error)
    }

    /// When [`Reassembly::due`] has something to say although no shard came.
    #[must_use]
    pub fn next_due(&self) -> Option<Monotonic> {
        self.frames.iter().map(InFrame::due).min()
    }

    /// What is due at `now`: a frame's end, or a report on one that has fallen silent. Ask until there is nothing.
    pub fn due(&mut self, now: Monotonic, round_trip: Duration, ledger: &mut impl Ledger) -> Option<Progress> {
        let place = self.frames.iter().position(|frame| frame.due() <= now)?;
        let frame = self.frames.get_mut(place)?;
        if now < frame.deadline() {
            return Some(frame.silent(now, round_trip));
        }
        match self.finish(now, place, Reception::Expired, ledger) {
            Step::Report(report) => Some(report),
            Step::Nothing | Step::Whole(_) => None,
        }
    }

    /// Gives everything back, as the connection is gone.
    pub fn clear(&mut self, ledger: &mut impl Ledger) {
        for frame in self.frames.drain(..) {
            ledger.release(frame.held_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
