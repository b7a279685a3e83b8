//! The hop to a second process that is killed and replaced: frames are lent to it, it answers each by number.
//!
//! A peer takes one frame at a time, so a kill may cost the one frame that it had taken and not yet answered, and
//! nothing else: what it had not taken waits for the next peer, and what it held comes home.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::memory::arena::HugePages;
use rt_core::process::frames::{self, Owner, ReadError, Reader};
use rt_core::process::pass::inheritable;
use rt_core::process::ring::{self, Consumer, Producer, WaitError};
use rt_core::process::segment::{Access, Segment};
use rt_core::stop::StopToken;

use super::books::{Received, Sent, Violation, settle};
use super::descriptor::Descriptor;
use super::random::Random;
use super::report::HopReport;
use super::stages::{Faults, tick};
use crate::answering::{Answering, Inheritance, say_ready};
use crate::error::BenchError;
use crate::frame::{FRAME_BYTES, marks};
use crate::hop::inherited;

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

/// What is known of the frames that were lent.
pub struct Books {
    sent: Sent,
    received: Received,
    /// Lent and not answered, oldest first.
    open: VecDeque<u64>,
    last: u64,
    /// Which peer answered last.
    generation: u64,
}

impl Books {
    /// Empty books.
    #[must_use]
    pub fn new() -> Self {
        let received = Received::new(HOP);
        Self { sent: Sent::default(), received, open: VecDeque::with_capacity(64), last: 0, generation: 0 }
    }

    /// Enters a frame that was lent.
    pub fn lent(&mut self, seq: u64) {
        self.sent.sent.enter(seq);
        self.open.push_back(seq);
    }

    /// Enters an answer: every frame before it that is still open is lost, which only kills excuse, one each.
    ///
    /// # Errors
    /// [`Violation`]: damaged, twice, or more lost than killed peers explain.
    pub fn answered(&mut self, answer: &Descriptor) -> Result<(), Violation> {
        self.received.enter(answer)?;
        let mut lost = 0;
        while let Some(seq) = self.open.pop_front_if(|seq| *seq < answer.seq) {
            self.sent.lost.enter(seq);
            lost += 1;
        }
        if lost > answer.source.saturating_sub(self.generation) {
            return Err(Violation::LostUnkilled { hop: HOP.into(), lost, last: self.last, seq: answer.seq });
        }
        // Where it was not open, nobody had lent it, and the books will not balance.
        self.open.pop_front_if(|seq| *seq == answer.seq);
        (self.last, self.generation) = (answer.seq, answer.source);
        Ok(())
    }

    /// Closes the books under peer number `generation`.
    ///
    /// # Errors
    /// [`Violation`]: more lost than killed peers explain, or unbalanced.
    pub fn close(mut self, generation: u64) -> Result<HopReport, Violation> {
        let lost = self.open.len() as u64;
        if lost > generation.saturating_sub(self.generation) {
            let seq = self.open.back().copied().unwrap_or(self.last);
            return Err(Violation::LostUnkilled { hop: HOP.into(), lost, last: self.last, seq });
        }
        self.open.drain(..).for_each(|seq| self.sent.lost.enter(seq));
        settle(&self.sent, &self.received)?;
        Ok(HopReport::new(&self.sent, &self.received))
    }
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
                // Dropping kills it and waits for its end.
                drop(peer);
                generation += 1;
                peer = self.peer(generation)?;
                kill_at = self.next_kill();
            }
        }
        let until = Monotonic::now().plus(PATIENCE);
        while self.books.open.len() as u64 > generation - self.books.generation && Monotonic::now() < until {
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
        if self.owner.lend(slot, &meta, FRAME_BYTES).readers == 0 {
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

/// In the child: reads each frame where it lies, answers with its number, until the owner leaves or dies.
///
/// # Errors
/// A frame that is not what its descriptor says, or a hop that cannot be trusted.
pub fn answer(words: &[String]) -> Result<(), BenchError> {
    let generation = words.first().and_then(|word| word.parse().ok());
    let generation = generation.ok_or_else(|| BenchError::Usage(format!("{words:?}: wanted a generation first")))?;
    let [memory] = inherited(words)?;
    let segment = Segment::open(memory).map_err(BenchError::library("opening the segment"))?;
    let mut frames = Reader::attach(&segment, POOL, READER).map_err(BenchError::library("becoming the reader"))?;
    let mut answers =
        Producer::<Descriptor>::attach(&segment, BACK).map_err(BenchError::library("becoming the producer"))?;
    say_ready()?;
    loop {
        let until = Monotonic::now().plus(PATIENCE);
        let frame = match frames.next_until(until) {
            Ok(frame) => frame,
            Err(ReadError::Wait(WaitError::TimedOut { .. })) => continue,
            Err(ReadError::Wait(WaitError::PeerDied { .. } | WaitError::PeerLeft { .. })) => return Ok(()),
            Err(error) => return Err(BenchError::library("waiting for a frame")(error)),
        };
        let seq = marks::read(frame.as_ref(), FRAME_BYTES)?;
        if seq != frame.meta().seq {
            let (bytes, expected_bytes) = (FRAME_BYTES, FRAME_BYTES);
            return Err(BenchError::WrongFrame { bytes, expected_bytes, first: seq, last: frame.meta().seq });
        }
        let answer = Descriptor::new(seq, 0, frame.meta().capture, generation);
        match answers.push_until(&answer, until) {
            Ok(()) => {}
            Err(WaitError::PeerDied { .. } | WaitError::PeerLeft { .. }) => return Ok(()),
            Err(error) => return Err(BenchError::library("answering")(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames 0 to `lent` are lent; the answers are (number, peer); closed under peer `generation`.
    fn judge(lent: u64, answers: &[(u64, u64)], generation: u64) -> Result<HopReport, Violation> {
        let mut books = Books::new();
        (0..lent).for_each(|seq| books.lent(seq));
        for &(seq, source) in answers {
            books.answered(&Descriptor::new(seq, 0, Monotonic::ZERO, source))?;
        }
        books.close(generation)
    }

    #[test]
    fn each_kill_excuses_one_frame() {
        assert_eq!(judge(4, &[(0, 0), (1, 0), (2, 0), (3, 0)], 0).expect("all answered").lost, 0);
        assert_eq!(judge(4, &[(0, 0), (1, 0), (3, 1)], 1).expect("2 went with peer 0").lost, 1);
        assert_eq!(judge(4, &[(0, 0), (1, 0), (2, 0)], 1).expect("3 went with peer 0").lost, 1);
        assert_eq!(judge(4, &[(0, 0), (3, 2)], 2).expect("two peers, two frames").lost, 2);
    }

    #[test]
    fn a_loss_without_a_kill_is_found() {
        assert!(matches!(judge(4, &[(0, 0), (2, 0)], 0), Err(Violation::LostUnkilled { lost: 1, seq: 2, .. })));
        assert!(matches!(judge(4, &[(0, 0), (3, 1)], 1), Err(Violation::LostUnkilled { lost: 2, .. })));
        assert!(matches!(judge(4, &[(0, 0), (1, 0), (2, 0)], 0), Err(Violation::LostUnkilled { lost: 1, .. })));
    }

    #[test]
    fn an_answer_twice_or_to_nothing_is_found() {
        assert!(matches!(judge(2, &[(0, 0), (1, 0), (1, 1)], 1), Err(Violation::Again { seq: 1, .. })));
        assert!(matches!(judge(2, &[(0, 0), (1, 0), (7, 0)], 0), Err(Violation::Unbalanced { .. })));
    }
}
