//! The area under the precision–recall curve.

use super::matching::{Scored, evenly};
use super::{SIZES, THRESHOLDS};

/// Points of recall at which precision is read, 0.00 to 1.00.
const RECALL_POINTS: usize = 101;

/// Average precision at each threshold, 0 to 1, of the truths of one range of areas.
pub(super) fn average_precisions(scored: &[Scored], size: usize, truths: u32) -> [f64; THRESHOLDS] {
    let mut order = scored.to_vec();
    // Stable, so that equal scores stay in the order of their frames, as in the reference.
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    std::array::from_fn(|index| average_precision(&order, size, 1 << index, truths))
}

fn average_precision(order: &[Scored], size: usize, bit: u16, truths: u32) -> f64 {
    let has = |bits: &[u16; SIZES]| bits.get(size).is_some_and(|bits| bits & bit != 0);
    let mut hits = 0_u32;
    let mut curve: Vec<(f64, f64)> = order
        .iter()
        .filter(|scored| !has(&scored.ignored))
        .zip(1_u32..)
        .map(|(scored, seen)| {
            hits += u32::from(has(&scored.matched));
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
