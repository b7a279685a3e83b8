//! The chance that a frame is back in time, learned from what became of the frames before it.
//!
//! A frame whose bits, with all that goes before it, need the rate `need` × estimate is in time where the link carries
//! that share of its estimate. How much it carries has a distribution that differs from link to link: a steady one gives
//! what was estimated, a fading one now half and now twice. Every frame that comes back tells a draw from it, by the time
//! that its bits took; a frame that does not says only that the draw was lower than what it needed, and is put where the
//! frames so far say (Efron's self-consistency for censored observations, 1967). The last frames' draws, smoothed, and a
//! prior that counts as some frames more, make the chance.

use std::time::Duration;

use crate::allocation::ServiceAllocation;

/// Frames that count, about four seconds of three cameras at five frames a second. 32 to 256 were tried on recorded
/// traces, with the same utility within 0.1 %.
const FRAMES: usize = 64;
/// The prior counts as so many frames. 2 to 8 were tried, likewise.
const PRIOR_FRAMES: f64 = 8.0;
/// The prior's spread: standard deviation of the logarithm of what a link carries, over its estimate.
const PRIOR_SPREAD: f64 = 0.4;
/// How much of its neighbourhood a draw speaks for, as a standard deviation of the same logarithm.
const SMOOTHING: f64 = 0.3;
/// The logistic function of this times z is within 0.01 of the normal distribution (Bowling et al., 2009).
const LOGISTIC: f64 = 1.702;

/// The chance is tabled over the logarithm of `need`, from −[`REACH`] to [`REACH`] in steps of this.
const STEP: f64 = 0.05;
const REACH: f64 = 3.2;
const CELLS: usize = 129;

/// What became of a frame that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lesson {
    /// The share of the estimate that it needed, as the allocation said ([`ServiceAllocation::need`]).
    need: f64,
    /// The share of the estimate that the link carried, where the frame was in time.
    carried: Option<f64>,
}

impl Lesson {
    /// A frame of a service that was `given` this and back in time, after `spent` on the uplink, waiting included.
    #[must_use]
    pub fn in_time(given: &ServiceAllocation, spent: Duration) -> Self {
        // A shorter time than this is a measurement's error.
        Self { need: given.need, carried: Some(given.uplink_s / spent.as_secs_f64().max(1e-3)) }
    }

    /// A frame of a service that was `given` this and was not back in time.
    #[must_use]
    pub fn missed(given: &ServiceAllocation) -> Self {
        Self { need: given.need, carried: None }
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
    /// One frame more; the oldest makes way. A probe, and what is no number, teach nothing.
    pub(super) fn learn(&mut self, lesson: &Lesson) {
        let (need, share) = (lesson.need, lesson.carried.unwrap_or(1.0));
        if !(need > 0.0 && need.is_finite() && share > 0.0 && share.is_finite()) {
            return;
        }
        let cell = if lesson.carried.is_some() { nearest(share) } else { self.likely_below(need) };
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

    /// The draw of a frame that missed: it was below `need`, and the median of what is known to be there stands for it.
    /// So a frame that hardly had a chance says hardly anything, and one that was all but sure says much.
    fn likely_below(&self, need: f64) -> usize {
        let above = 0.5 * (1.0 + self.chance(need));
        let sought = above * (PRIOR_FRAMES + self.count as f64);
        self.sums.iter().rposition(|&sum| sum >= sought).unwrap_or(0)
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
        let at = position(need);
        let below = (at as usize).min(CELLS - 2);
        let (Some(low), Some(high)) = (self.sums.get(below), self.sums.get(below + 1)) else { return 0.0 };
        let sum = low + (at - below as f64) * (high - low);
        // Beyond the cells the prior's tail goes on, so that of two that hardly have a chance the smaller has more.
        let beyond = (need.ln() - REACH).max(0.0);
        let tail = (-LOGISTIC / PRIOR_SPREAD * beyond).exp();
        (tail * sum / (PRIOR_FRAMES + self.count as f64)).clamp(0.0, 1.0)
    }
}

/// Where a share stands among the cells.
fn position(share: f64) -> f64 {
    (share.ln().clamp(-REACH, REACH) + REACH) / STEP
}

fn nearest(share: f64) -> usize {
    position(share).round() as usize
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

    fn lesson(need: f64, carried: Option<f64>) -> Lesson {
        Lesson { need, carried }
    }

    proptest! {
        #[test]
        fn a_chance_is_one_and_falls_with_what_is_needed(
            lessons in prop::collection::vec((0.01..20.0f64, prop::option::of(0.01..40.0f64)), 0..200),
            low in 0.0..5.0f64,
            more in 0.0..5.0f64,
        ) {
            let mut success = Success::default();
            for (need, carried) in lessons {
                success.learn(&lesson(need, carried));
            }
            let (likely, less) = (success.chance(low), success.chance(low + more));
            prop_assert!((0.0..=1.0).contains(&likely) && less <= likely + 1e-9, "{likely} {less}");
        }

        #[test]
        fn only_the_last_frames_count(before in prop::collection::vec((0.01..20.0f64, 0.01..40.0f64), 0..200)) {
            let (mut long, mut short) = (Success::default(), Success::default());
            before.iter().for_each(|&(need, share)| long.learn(&lesson(need, Some(share))));
            for step in 0..FRAMES {
                let lesson = lesson(0.2, Some(0.5 + step as f64 / 50.0));
                long.learn(&lesson);
                short.learn(&lesson);
            }
            for need in [0.1, 0.5, 1.0, 2.0] {
                prop_assert!((long.chance(need) - short.chance(need)).abs() < 1e-9);
            }
        }

        #[test]
        fn a_miss_never_makes_a_chance_better_than_a_hit_of_the_same_need(
            lessons in prop::collection::vec((0.01..20.0f64, prop::option::of(0.01..40.0f64)), 0..100),
            need in 0.05..5.0f64,
            asked in 0.05..5.0f64,
        ) {
            let mut missed = Success::default();
            lessons.iter().for_each(|&(need, carried)| missed.learn(&lesson(need, carried)));
            let mut hit = missed.clone();
            hit.learn(&lesson(need, Some(need)));
            missed.learn(&lesson(need, None));
            prop_assert!(missed.chance(asked) <= hit.chance(asked) + 0.01);
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
            // It carries half: what needs less is in time, what needs more is not.
            success.learn(&lesson(need, (need <= 0.5).then_some(0.5)));
        }
        assert!(success.chance(0.3) > 0.75 && success.chance(0.8) < 0.25, "{success:?}");
    }

    #[test]
    fn a_frame_that_had_no_chance_says_nothing_when_it_misses() {
        let mut success = Success::default();
        (0..FRAMES).for_each(|_| success.learn(&lesson(0.3, Some(0.9))));
        let before = success.chance(0.5);
        (0..FRAMES / 2).for_each(|_| success.learn(&lesson(20.0, None)));
        assert!((success.chance(0.5) - before).abs() < 0.02, "{before} became {}", success.chance(0.5));
        (0..FRAMES / 2).for_each(|_| success.learn(&lesson(0.3, None)));
        assert!(success.chance(0.5) < before - 0.3, "{before} became {}", success.chance(0.5));
    }

    #[test]
    fn a_lesson_is_made_of_what_was_given_and_what_it_took() {
        let given = ServiceAllocation { choice: Some(0), rate_bps: 0.0, need: 0.5, uplink_s: 0.03 };
        let seen = Lesson::in_time(&given, Duration::from_millis(40));
        assert!(seen.need == 0.5 && (seen.carried.unwrap() - 0.75).abs() < 1e-9, "{seen:?}");
        assert_eq!(Lesson::missed(&given), lesson(0.5, None));
        let at_once = Lesson::in_time(&given, Duration::ZERO).carried.unwrap();
        assert!((at_once - 30.0).abs() < 1e-9, "{at_once}");
    }

    #[test]
    fn what_is_no_number_teaches_nothing() {
        let mut success = Success::default();
        for odd in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            success.learn(&lesson(odd, None));
            success.learn(&lesson(odd, Some(1.0)));
            success.learn(&lesson(1.0, Some(odd)));
        }
        assert_eq!(success.count, 0);
    }
}
