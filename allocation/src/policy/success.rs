//! The chance that a frame is back in time, learned from what became of the frames before it.
//!
//! A frame whose bits, with all that goes before it, need the rate `need` × estimate is in time where the link carries
//! that share of its estimate. How much it carries has a distribution that differs from link to link: a steady one gives
//! what was estimated, a fading one now half and now twice. Every frame that comes back tells a draw from it, since it
//! says by how much the link could have been slower; a frame that does not says that the draw was lower than what it
//! needed. The last frames' draws, smoothed, and a prior that counts as some frames more, make the chance.

/// Frames that count, about four seconds of three cameras at five frames a second. 32 to 256 were tried on recorded
/// traces, with the same utility within 0.1 %.
const FRAMES: usize = 64;
/// The prior counts as so many frames. 2 to 8 were tried, likewise.
const PRIOR_FRAMES: f64 = 8.0;
/// The prior's spread: standard deviation of the logarithm of what a link carries, over its estimate.
const PRIOR_SPREAD: f64 = 0.4;
/// How much of its neighbourhood a draw speaks for, as a standard deviation of the same logarithm.
const SMOOTHING: f64 = 0.2;
/// What a frame that was not in time tells: the link carried this share of what it needed. By how much it really fell
/// short is not known; less than half, as frames are mostly late because the link pauses.
const MISSED: f64 = 0.4;
/// The logistic function of this times z is within 0.01 of the normal distribution (Bowling et al., 2009).
const LOGISTIC: f64 = 1.702;

/// The chance is tabled over the logarithm of `need`, from −[`REACH`] to [`REACH`] in steps of this.
const STEP: f64 = 0.05;
const REACH: f64 = 3.2;
const CELLS: usize = 129;

/// What became of a frame that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lesson {
    /// The share of the estimate that it needed, as the allocation said ([`crate::allocation::ServiceAllocation::need`]).
    pub need: f64,
    /// Where it was in time, how many times longer the uplink could have taken; `None` where it was not.
    pub spare: Option<f64>,
}

impl Lesson {
    /// A frame that was `spent_s` seconds on the uplink, waiting included, and back `left_s` before it was due; or was
    /// not back in time, where that is negative.
    #[must_use]
    pub fn new(need: f64, spent_s: f64, left_s: f64) -> Self {
        let in_time = left_s >= 0.0 && spent_s.is_finite();
        // A shorter time than this is a measurement's error.
        Self { need, spare: in_time.then(|| 1.0 + left_s / spent_s.max(1e-3)) }
    }

    /// Logarithm of the share of the estimate that the link carried.
    fn draw(&self) -> Option<f64> {
        let share = self.need * self.spare.unwrap_or(MISSED);
        (share.is_finite() && share > 0.0).then(|| share.ln())
    }
}

/// What was learned; its storage is fixed.
#[derive(Clone, Debug)]
pub(super) struct Success {
    /// The last draws' cells, a ring.
    draws: [usize; FRAMES],
    next: usize,
    count: usize,
    /// Σ over prior and draws of the chance in each cell.
    sums: Box<[f64; CELLS]>,
}

impl Default for Success {
    fn default() -> Self {
        let mut sums = Box::new([0.0; CELLS]);
        for (cell, sum) in sums.iter_mut().enumerate() {
            *sum = PRIOR_FRAMES * logistic(-LOGISTIC * place(cell) / PRIOR_SPREAD);
        }
        Self { draws: [0; FRAMES], next: 0, count: 0, sums }
    }
}

impl Success {
    /// One frame more; the oldest makes way.
    pub(super) fn learn(&mut self, lesson: &Lesson) {
        let Some(draw) = lesson.draw() else { return };
        let cell = ((draw.clamp(-REACH, REACH) + REACH) / STEP).round() as usize;
        let Some(slot) = self.draws.get_mut(self.next) else { return };
        let oldest = std::mem::replace(slot, cell);
        self.next = (self.next + 1) % FRAMES;
        if self.count == FRAMES {
            self.add(oldest, -1.0);
        } else {
            self.count += 1;
        }
        self.add(cell, 1.0);
    }

    /// What a draw says of every cell: nothing above it, all below, softly.
    fn add(&mut self, draw: usize, sign: f64) {
        for (cell, sum) in self.sums.iter_mut().enumerate() {
            *sum += sign * logistic(LOGISTIC * (place(draw) - place(cell)) / SMOOTHING);
        }
    }

    /// The chance that the link carries `need` times its estimate.
    pub(super) fn chance(&self, need: f64) -> f64 {
        // Nothing needed is sure; no number is not.
        if need <= 0.0 {
            return 1.0;
        }
        let at = (need.ln().clamp(-REACH, REACH) + REACH) / STEP;
        let below = (at as usize).min(CELLS - 2);
        let (Some(low), Some(high)) = (self.sums.get(below), self.sums.get(below + 1)) else { return 0.0 };
        let sum = low + (at - below as f64) * (high - low);
        (sum / (PRIOR_FRAMES + self.count as f64)).clamp(0.0, 1.0)
    }
}

fn place(cell: usize) -> f64 {
    cell as f64 * STEP - REACH
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_chance_is_one_and_falls_with_what_is_needed(
            lessons in prop::collection::vec((0.01..20.0f64, -0.2..0.2f64), 0..200),
            low in 0.0..5.0f64,
            more in 0.0..5.0f64,
        ) {
            let mut success = Success::default();
            for (need, left) in lessons {
                success.learn(&Lesson::new(need, 0.05, left));
            }
            let (likely, less) = (success.chance(low), success.chance(low + more));
            prop_assert!((0.0..=1.0).contains(&likely) && less <= likely + 1e-9, "{likely} {less}");
        }

        #[test]
        fn only_the_last_frames_count(before in prop::collection::vec((0.01..20.0f64, -0.2..0.2f64), 0..200)) {
            let (mut long, mut short) = (Success::default(), Success::default());
            before.iter().for_each(|&(need, left)| long.learn(&Lesson::new(need, 0.05, left)));
            for step in 0..FRAMES {
                let lesson = Lesson::new(0.2 + step as f64 / 50.0, 0.05, 0.01 * (step % 5) as f64 - 0.01);
                long.learn(&lesson);
                short.learn(&lesson);
            }
            for need in [0.1, 0.5, 1.0, 2.0] {
                prop_assert!((long.chance(need) - short.chance(need)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn before_anything_was_learned_the_estimate_is_even() {
        let success = Success::default();
        assert!((success.chance(1.0) - 0.5).abs() < 1e-9);
        assert!(success.chance(0.5) > 0.9 && success.chance(2.0) < 0.1);
        assert_eq!(success.chance(0.0), 1.0);
        assert!(success.chance(f64::INFINITY) < 0.01);
    }

    #[test]
    fn a_link_that_gives_half_of_its_estimate_is_known_after_a_few_seconds() {
        let mut success = Success::default();
        for step in 0..FRAMES {
            let need = 0.2 + 0.01 * step as f64;
            // It carries half: what needs less is early by the rest, what needs more is late.
            success.learn(&Lesson::new(need, 0.05, 0.05 * (0.5 / need - 1.0)));
        }
        // Cautiously, since a frame that is late may have been late by much.
        assert!(success.chance(0.25) > 0.75 && success.chance(0.7) < 0.25, "{success:?}");
    }

    #[test]
    fn what_is_no_number_teaches_nothing() {
        let mut success = Success::default();
        for need in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            success.learn(&Lesson::new(need, 0.05, 0.01));
        }
        success.learn(&Lesson { need: 1.0, spare: Some(f64::NAN) });
        assert_eq!(success.count, 0);
    }
}
