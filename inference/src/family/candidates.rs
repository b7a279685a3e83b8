//! Keeps the best few hundred of a few hundred thousand predictions, in time linear in their number.

/// How many predictions are kept for non-maximum suppression: ten times what COCO counts per image.
pub(super) const MAX_CANDIDATES: usize = 1000;

/// A prediction worth decoding: its logit (or score) and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Logit or score: larger is better.
    pub rank: f32,
    /// Index of the prediction, as its head counts them.
    pub position: u32,
    /// Class.
    pub class: u8,
}

/// The best [`MAX_CANDIDATES`] of everything offered since [`Candidates::clear`].
pub(super) struct Candidates {
    kept: Vec<Candidate>,
    lowest: f32,
    floor: f32,
}

impl Candidates {
    /// Takes only what ranks above `floor`.
    pub(super) fn new(floor: f32) -> Self {
        Self { kept: Vec::with_capacity(2 * MAX_CANDIDATES), lowest: floor, floor }
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.lowest = self.floor;
    }

    /// What a prediction must rank above to be of interest; it rises as better ones come in.
    pub(super) const fn lowest(&self) -> f32 {
        self.lowest
    }

    pub(super) fn offer(&mut self, candidate: Candidate) {
        if self.kept.len() == 2 * MAX_CANDIDATES {
            self.halve();
        }
        // What is not a number is not above anything either.
        if candidate.rank > self.lowest {
            self.kept.push(candidate);
        }
    }

    /// Leaves the best, best first; equal ranks in the order of their positions, so that results do not depend on luck.
    pub(super) fn rank(&mut self) {
        self.kept.sort_unstable_by(better_first);
        self.kept.truncate(MAX_CANDIDATES);
    }

    /// What is kept; best first after [`Candidates::rank`].
    pub(super) fn kept(&self) -> &[Candidate] {
        &self.kept
    }

    fn halve(&mut self) {
        let (_, last, _) = self.kept.select_nth_unstable_by(MAX_CANDIDATES - 1, better_first);
        self.lowest = last.rank;
        self.kept.truncate(MAX_CANDIDATES);
    }
}

fn better_first(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.rank.total_cmp(&a.rank).then(a.position.cmp(&b.position)).then(a.class.cmp(&b.class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_what_sorting_everything_would(ranks in prop::collection::vec(-5.0_f32..5.0, 0..6000)) {
            let mut candidates = Candidates::new(-3.0);
            for (position, &rank) in ranks.iter().enumerate() {
                candidates.offer(Candidate { rank, position: position as u32, class: 0 });
            }
            candidates.rank();
            let mut oracle: Vec<f32> = ranks.into_iter().filter(|&rank| rank > -3.0).collect();
            oracle.sort_by(|a, b| b.total_cmp(a));
            oracle.truncate(MAX_CANDIDATES);
            let kept: Vec<f32> = candidates.kept().iter().map(|candidate| candidate.rank).collect();
            prop_assert_eq!(kept, oracle);
        }
    }

    #[test]
    fn not_a_number_is_refused_and_clearing_forgets() {
        let mut candidates = Candidates::new(0.0);
        for position in 0..5000 {
            candidates.offer(Candidate { rank: 1.0 + position as f32, position, class: 0 });
        }
        candidates.offer(Candidate { rank: f32::NAN, position: 9, class: 0 });
        candidates.rank();
        assert_eq!(candidates.kept().len(), MAX_CANDIDATES);
        assert!(candidates.kept().iter().all(|candidate| candidate.rank > 4000.0));
        candidates.clear();
        candidates.offer(Candidate { rank: 0.5, position: 1, class: 2 });
        assert_eq!(candidates.kept(), [Candidate { rank: 0.5, position: 1, class: 2 }]);
    }
}
