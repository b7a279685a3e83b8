//! The hop to a second process that is killed and replaced: frames are lent to it, it answers each by number.
//!
//! A peer takes one frame at a time, so a kill may cost the one frame that it had taken and not yet answered, and
//! nothing else: what it had not taken waits for the next peer, and what it held comes home.

mod books;
mod peer;

use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::memory::arena::HugePages;
use rt_core::process::frames::{self, Owner};
use rt_core::process::pass::inheritable;
use rt_core::process::ring::{self, Consumer, WaitError};
use rt_core::process::segment::{Access, Segment};
use rt_core::stop::StopToken;

use super::books::Violation;
use super::descriptor::Descriptor;
use super::random::Random;
use super::report::HopReport;
use super::stages::{Faults, tick};
use crate::answering::{Answering, Inheritance};
use crate::frame::{FRAME_BYTES, marks};
use books::Books;
pub use peer::answer;

/// The child's name.
pub const ANSWERS: &str = "soak-peer";

const HOP: &str = "process: frames lent, answers back";
const POOL: &str = "soak";
const READER: &str = "peer";
const BACK: &str = "back";
const SLOTS: usize = 4;
/// Frames that may be with the peer; one slot fewer than there are, so that a peer that hangs cannot dry the pool.
const IN_FLIGHT: usize = 3;
const ANSWERS_IN_FLIGHT: usize = 16;
const PERIOD: Duration = Duration::from_millis(1);
/// About as long as a peer takes over the frames it may hold: kills fall into this time.
const WORK_NS: u64 = 500_000;
/// How long the last answers may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// This side of the hop.
pub struct Link {
    segment: Segment,
    owner: Owner,
    answers: Consumer<Descriptor>,
    random: Random,
    faults: Arc<Faults>,
    books: Books,
}

impl Link {
    /// The hop's memory, and this side's ends in it.
    ///
    /// # Errors
    /// Where they cannot be had.
    pub fn new(seed: u64, faults: &Arc<Faults>) -> Result<Self, Violation> {
        let mut parts = frames::parts(POOL, SLOTS, FRAME_BYTES, &[(READER, IN_FLIGHT)]).map_err(part)?;
        parts.push(ring::part::<Descriptor>(BACK, ANSWERS_IN_FLIGHT).map_err(part)?);
        let segment = Segment::create(&parts, Access::ReadWrite, HugePages::Prefer, false).map_err(part)?;
        Ok(Self {
            owner: Owner::attach(&segment, POOL).map_err(part)?,
            answers: Consumer::attach(&segment, BACK).map_err(part)?,
            segment,
            random: Random::new(seed ^ 0x71_1E),
            faults: Arc::clone(faults),
            books: Books::new(),
        })
    }

    /// Lends frames and takes answers until stopped; kills and replaces the peer at random, and counts that in the
    /// second of what it returns.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn run(mut self, stop: &StopToken) -> Result<(HopReport, u64), Violation> {
        let mut generation = 0;
        let mut peer = self.peer(generation)?;
        let mut kill_at = self.next_kill();
        let mut seq = 0;
        while !stop.is_set() {
            seq = self.lend(seq);
            self.take_answers(Monotonic::now().plus(PERIOD))?;
            if let Some(status) = peer.ended() {
                return Err(part(format!("peer {generation} ended by itself: {status}")));
            }
            if Monotonic::now() >= kill_at {
                // In the midst of its work: with frames before it, after a while that is none or all of one.
                for _ in 0..IN_FLIGHT {
                    seq = self.lend(seq);
                }
                std::thread::sleep(Duration::from_nanos(self.random.below(2 * WORK_NS)));
                // Dropping kills it and waits for its end.
                drop(peer);
                generation += 1;
                peer = self.peer(generation)?;
                kill_at = self.next_kill();
            }
        }
        let until = Monotonic::now().plus(PATIENCE);
        while self.books.open() > generation - self.books.generation() && Monotonic::now() < until {
            self.take_answers(Monotonic::now().plus(PERIOD))?;
        }
        // The last frames may be lost to a kill only where no answer followed it; else they were just waited for.
        self.take_answers(Monotonic::now().plus(PERIOD * 50))?;
        drop(peer);
        self.owner.recover();
        let home = self.owner.free_slots();
        if home != SLOTS {
            return Err(Violation::Away { pool: format!("{HOP}: slots"), home, slots: SLOTS });
        }
        Ok((self.books.close(generation)?, generation))
    }

    fn peer(&self, generation: u64) -> Result<Answering, Violation> {
        let memory = inheritable(self.segment.descriptor()).map_err(part)?;
        let inheritance = Inheritance { words: vec![generation.to_string()], descriptors: vec![memory] };
        Answering::start(ANSWERS, inheritance, None).map_err(part)
    }

    fn next_kill(&mut self) -> Monotonic {
        Monotonic::now().plus(Duration::from_millis(500 + self.random.below(3_000)))
    }

    /// Lends a frame where there is a slot and the peer may hold one more; the next frame's number.
    fn lend(&mut self, seq: u64) -> u64 {
        let Some(mut slot) = self.owner.acquire() else {
            tick(&self.faults.dry);
            return seq;
        };
        marks::mark(slot.as_mut(), seq);
        let capture = Monotonic::now();
        let meta = FrameMeta {
            service: 1,
            seq,
            capture,
            deadline: Deadline::at(capture),
            width: 1920,
            height: 1080,
            format: PixelFormat::Rgb8,
            scene: 0,
        };
        if !self.owner.lend(slot, &meta, FRAME_BYTES).is_ok_and(|lent| lent.readers > 0) {
            return seq;
        }
        self.books.lent(seq);
        seq + 1
    }

    /// Takes what has been answered, and waits for one answer until `until`.
    fn take_answers(&mut self, until: Monotonic) -> Result<(), Violation> {
        match self.answers.pop_until(until) {
            Ok(answer) => self.books.answered(&answer)?,
            // The peer that comes next goes on; whoever is killed or replaced is known here.
            Err(WaitError::TimedOut { .. } | WaitError::PeerDied { .. } | WaitError::PeerLeft { .. }) => {}
            Err(error) => return Err(part(error)),
        }
        while let Some(answer) = self.answers.pop().map_err(part)? {
            self.books.answered(&answer)?;
        }
        Ok(())
    }
}

fn part(reason: impl std::fmt::Display) -> Violation {
    Violation::Part { part: HOP.to_owned(), reason: reason.to_string() }
}
