//! How far two detectors agree on a frame, without anybody's truth.

use rt_core::detections::Detection;

/// Boxes below this score are guesses, on which nobody has to agree.
pub const CONFIDENT: f32 = 0.4;
/// Boxes of the same class that overlap by this much (intersection over union) are the same object.
const SAME: f32 = 0.5;
/// Of each, the first so many are looked at.
const MOST: usize = 64;

/// Share of the confident boxes that both found, 0 to 1 (the F1 score of one against the other, whichever way round):
/// twice the pairs over the boxes of both. Two detectors that find nothing agree. Allocates nothing.
///
/// ```
/// use inference::agreement::agreement;
/// use rt_core::detections::Detection;
/// let at = |x: f32| Detection { x_min: x, x_max: x + 10.0, y_max: 10.0, score: 0.9, ..Detection::default() };
/// assert_eq!(agreement(&[at(0.0), at(50.0)], &[at(1.0)]), 2.0 / 3.0);
/// assert_eq!(agreement(&[], &[]), 1.0);
/// ```
#[must_use]
pub fn agreement(one: &[Detection], other: &[Detection]) -> f64 {
    let confident = |found: &&Detection| found.score >= CONFIDENT;
    let mut taken = [false; MOST];
    let (mut pairs, mut ones) = (0_u32, 0_u32);
    for found in one.iter().filter(confident).take(MOST) {
        ones += 1;
        let free = other.iter().filter(confident).zip(&mut taken);
        let best = free
            .filter(|(candidate, taken)| !**taken && candidate.class == found.class)
            .map(|(candidate, taken)| (candidate.iou(found), taken))
            .filter(|(overlap, _)| *overlap >= SAME)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        if let Some((_, taken)) = best {
            *taken = true;
            pairs += 1;
        }
    }
    let others = u32::try_from(other.iter().filter(confident).take(MOST).count()).unwrap_or(u32::MAX);
    match ones + others {
        0 => 1.0,
        both => f64::from(2 * pairs) / f64::from(both),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxes() -> impl Strategy<Value = Vec<Detection>> {
        let one = (0.0_f32..80.0, 0.0_f32..80.0, 0.0_f32..=1.0, 0_u8..3).prop_map(|(x, y, score, class)| Detection {
            x_min: x,
            y_min: y,
            x_max: x + 20.0,
            y_max: y + 20.0,
            score,
            class,
        });
        prop::collection::vec(one, 0..70)
    }

    proptest! {
        #[test]
        fn it_is_a_share_and_one_with_itself(one in boxes(), other in boxes()) {
            prop_assert!((0.0..=1.0).contains(&agreement(&one, &other)));
            prop_assert_eq!(agreement(&one, &one), 1.0);
            let guesses: Vec<Detection> = other.iter().map(|found| Detection { score: 0.1, ..*found }).collect();
            let both = [one.clone(), guesses].concat();
            prop_assert_eq!(agreement(&both, &one), 1.0, "guesses do not count");
        }
    }

    #[test]
    fn what_one_misses_or_calls_otherwise_lowers_it() {
        let at = |x: f32, class| Detection { x_min: x, x_max: x + 9.0, y_max: 9.0, score: 0.9, class, y_min: 0.0 };
        assert_eq!(agreement(&[at(0.0, 1)], &[]), 0.0);
        assert_eq!(agreement(&[at(0.0, 1)], &[at(0.0, 2)]), 0.0);
        assert_eq!(agreement(&[at(0.0, 1), at(0.5, 1)], &[at(0.0, 1)]), 2.0 / 3.0, "one object is one");
    }
}
