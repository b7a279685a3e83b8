//! The books of a hop whose reader may be killed: one frame for each kill may be lost, and no other.

use std::collections::VecDeque;

use super::HOP;
use crate::soak::books::{Received, Sent, Violation, settle};
use crate::soak::descriptor::Descriptor;
use crate::soak::report::HopReport;

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

    /// Frames that are lent and not answered.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// Which peer answered last.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
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

#[cfg(test)]
mod tests {
    use rt_core::clock::Monotonic;

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
