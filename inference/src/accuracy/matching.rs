//! Which detection is which truth, and the area under the precision–recall curve that follows.

use rt_core::detections::Detection;

use super::{THRESHOLDS, Truth};

/// Detections of a class that count in one frame.
const MAX_PER_FRAME: usize = 100;

/// Points of recall at which precision is read, 0.00 to 1.00.
const RECALL_POINTS: usize = 101;

/// What is kept of a detection: its score, at which thresholds it matched a truth (bit 0: 0.50), and at which it matched
/// a crowd and so does not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scored {
    score: f32,
    matched: u16,
    ignored: u16,
}

/// The first and the last threshold of intersection over union.
const THRESHOLD_RANGE: (f64, f64) = (0.5, 0.95);

/// `count` numbers evenly from `first` to `last`, rounded as numpy's `linspace` does, which the reference uses: a recall
/// of exactly 7/25 must fall on the same side of 0.28 here as there.
fn evenly(first: f64, last: f64, count: usize, index: usize) -> f64 {
    let steps = (count - 1) as f64;
    if index + 1 == count { last } else { index as f64 * ((last - first) / steps) + first }
}

fn threshold(index: usize) -> f64 {
    evenly(THRESHOLD_RANGE.0, THRESHOLD_RANGE.1, THRESHOLDS, index)
}

/// Matches one class of one frame, adds what is to be kept of its detections, and returns how many truths it has,
/// crowds left out.
pub(super) fn match_class(class: u8, truths: &[Truth], detections: &[Detection], scored: &mut Vec<Scored>) -> u32 {
    let of_class = |crowd: bool| truths.iter().filter(move |truth| truth.class == class && truth.crowd == crowd);
    let counted = of_class(false).count();
    // Crowds come last: a detection is given to one only where no truth can have it.
    let truths: Vec<&Truth> = of_class(false).chain(of_class(true)).collect();
    let mut found: Vec<&Detection> = detections.iter().filter(|found| found.class == class).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MAX_PER_FRAME);
    let overlaps: Vec<Vec<f64>> = found.iter().map(|a| truths.iter().map(|b| overlap(a, b)).collect()).collect();
    let mut kept: Vec<Scored> =
        found.iter().map(|found| Scored { score: found.score, matched: 0, ignored: 0 }).collect();
    for index in 0..THRESHOLDS {
        let mut taken = vec![false; truths.len()];
        for (overlaps, kept) in overlaps.iter().zip(&mut kept) {
            let (own, crowds) = overlaps.split_at_checked(counted).unwrap_or((overlaps, &[]));
            if let Some(best) = best_free(own, &taken, threshold(index)) {
                kept.matched |= 1 << index;
                if let Some(flag) = taken.get_mut(best) {
                    *flag = true;
                }
            } else if crowds.iter().any(|overlap| *overlap >= at_least(threshold(index))) {
                // A crowd takes any number.
                kept.ignored |= 1 << index;
            }
        }
    }
    scored.extend(kept);
    u32::try_from(counted).unwrap_or(u32::MAX)
}

/// The free truth that overlaps most, at least by the threshold; of equals the last, as the reference does.
fn best_free(overlaps: &[f64], taken: &[bool], threshold: f64) -> Option<usize> {
    let mut best = (at_least(threshold), None);
    for (index, (&overlap, &taken)) in overlaps.iter().zip(taken).enumerate() {
        if !taken && overlap >= best.0 {
            best = (overlap, Some(index));
        }
    }
    best.1
}

/// The threshold as the reference compares with it.
fn at_least(threshold: f64) -> f64 {
    threshold.min(1.0 - 1e-10)
}

/// Intersection over union; with a crowd, the share of the detection that is within it.
fn overlap(a: &Detection, b: &Truth) -> f64 {
    let side = |low: f32, high: f32| (f64::from(high) - f64::from(low)).max(0.0);
    let intersection =
        side(a.x_min.max(b.x_min), a.x_max.min(b.x_max)) * side(a.y_min.max(b.y_min), a.y_max.min(b.y_max));
    let area_a = side(a.x_min, a.x_max) * side(a.y_min, a.y_max);
    let area_b = side(b.x_min, b.x_max) * side(b.y_min, b.y_max);
    let union = if b.crowd { area_a } else { area_a + area_b - intersection };
    if union > 0.0 { intersection / union } else { 0.0 }
}

/// Average precision at each threshold, 0 to 1.
pub(super) fn average_precisions(scored: &[Scored], truths: u32) -> [f64; THRESHOLDS] {
    let mut order = scored.to_vec();
    // Stable, so that equal scores stay in the order of their frames, as in the reference.
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    std::array::from_fn(|index| average_precision(&order, 1 << index, truths))
}

fn average_precision(order: &[Scored], bit: u16, truths: u32) -> f64 {
    let mut hits = 0_u32;
    let mut curve: Vec<(f64, f64)> = order
        .iter()
        .filter(|scored| scored.ignored & bit == 0)
        .zip(1_u32..)
        .map(|(scored, seen)| {
            hits += u32::from(scored.matched & bit != 0);
            (f64::from(hits) / f64::from(truths), f64::from(hits) / f64::from(seen))
        })
        .collect();
    let mut envelope = 0.0_f64;
    for (_, precision) in curve.iter_mut().rev() {
        envelope = envelope.max(*precision);
        *precision = envelope;
    }
    let precision_at = |point: usize| {
        let recall = evenly(0.0, 1.0, RECALL_POINTS, point);
        let first = curve.partition_point(|&(reached, _)| reached < recall);
        curve.get(first).map_or(0.0, |&(_, precision)| precision)
    };
    (0..RECALL_POINTS).map(precision_at).sum::<f64>() / RECALL_POINTS as f64
}
