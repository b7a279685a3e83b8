//! Which detection is which truth, for each range of areas.

use rt_core::detections::Detection;

use super::{SIZES, THRESHOLDS, Truth};

/// Detections of a class that count in one frame.
const MAX_PER_FRAME: usize = 100;

/// Least and greatest area of an object that counts, px²: all, small, medium and large ones. Both bounds belong to a
/// range, and so may one object to two, as in the reference.
const AREAS: [(f64, f64); SIZES] = [(0.0, 1e10), (0.0, 1_024.0), (1_024.0, 9_216.0), (9_216.0, 1e10)];

/// What is kept of a detection: its score and, for each range of areas, at which thresholds it matched a truth (bit 0:
/// 0.50), and at which it does not count, because it is no object of the range, or in a crowd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scored {
    pub(super) score: f32,
    pub(super) matched: [u16; SIZES],
    pub(super) ignored: [u16; SIZES],
}

/// The first and the last threshold of intersection over union.
const THRESHOLD_RANGE: (f64, f64) = (0.5, 0.95);

/// `count` numbers evenly from `first` to `last`, rounded as numpy's `linspace` does, which the reference uses: a recall
/// of exactly 7/25 must fall on the same side of 0.28 here as there.
pub(super) fn evenly(first: f64, last: f64, count: usize, index: usize) -> f64 {
    let steps = (count - 1) as f64;
    if index + 1 == count { last } else { index as f64 * ((last - first) / steps) + first }
}

/// The threshold as the reference compares with it.
fn threshold(index: usize) -> f64 {
    evenly(THRESHOLD_RANGE.0, THRESHOLD_RANGE.1, THRESHOLDS, index).min(1.0 - 1e-10)
}

/// A truth as one range of areas sees it.
struct Candidate<'a> {
    truth: &'a Truth,
    /// Its place among the truths of the class.
    place: usize,
    /// Neither found nor missed: a crowd, or of another size.
    ignored: bool,
}

/// Matches one class of one frame, adds what is to be kept of its detections, and returns how many truths it has in each
/// range of areas.
pub(super) fn match_class(
    class: u8,
    truths: &[Truth],
    detections: &[Detection],
    scored: &mut Vec<Scored>,
) -> [u32; SIZES] {
    let truths: Vec<&Truth> = truths.iter().filter(|truth| truth.class == class).collect();
    let mut found: Vec<&Detection> = detections.iter().filter(|found| found.class == class).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MAX_PER_FRAME);
    let overlaps: Vec<Vec<f64>> = found.iter().map(|a| truths.iter().map(|b| overlap(a, b)).collect()).collect();
    let mut kept: Vec<Scored> =
        found.iter().map(|found| Scored { score: found.score, matched: [0; SIZES], ignored: [0; SIZES] }).collect();
    let mut counted = [0; SIZES];
    for (size, (range, counted)) in AREAS.iter().zip(&mut counted).enumerate() {
        let outside = |area: f64| area < range.0 || area > range.1;
        let ignored = |truth: &Truth| truth.crowd || outside(truth.area());
        let mut candidates: Vec<Candidate<'_>> =
            (0..).zip(&truths).map(|(place, &truth)| Candidate { truth, place, ignored: ignored(truth) }).collect();
        // A detection is given to an ignored one only where no other can have it.
        candidates.sort_by_key(|candidate| candidate.ignored);
        *counted = candidates.iter().map(|candidate| u32::from(!candidate.ignored)).sum();
        for index in 0..THRESHOLDS {
            let mut taken = vec![false; candidates.len()];
            for ((found, overlaps), kept) in found.iter().zip(&overlaps).zip(&mut kept) {
                let best = best_free(&candidates, overlaps, &taken, threshold(index));
                let ignored = match best.and_then(|best| candidates.get(best)) {
                    Some(candidate) => candidate.ignored,
                    None => outside(area(found)),
                };
                if let Some(flag) = best.and_then(|best| taken.get_mut(best)) {
                    *flag = true;
                }
                let bits = if ignored { kept.ignored.get_mut(size) } else { kept.matched.get_mut(size) };
                if let Some(bits) = bits.filter(|_| ignored || best.is_some()) {
                    *bits |= 1 << index;
                }
            }
        }
    }
    scored.extend(kept);
    counted
}

/// The candidate that overlaps most, at least by the threshold, and is free, which a crowd is always; of equals the last,
/// and an ignored one only where there is no other, as in the reference.
fn best_free(candidates: &[Candidate<'_>], overlaps: &[f64], taken: &[bool], threshold: f64) -> Option<usize> {
    let mut best: Option<(usize, bool)> = None;
    let mut most = threshold;
    for (index, (candidate, &taken)) in candidates.iter().zip(taken).enumerate() {
        if taken && !candidate.truth.crowd {
            continue;
        }
        if best.is_some_and(|(_, ignored)| !ignored) && candidate.ignored {
            break;
        }
        let overlap = overlaps.get(candidate.place).copied().unwrap_or(0.0);
        if overlap >= most {
            (best, most) = (Some((index, candidate.ignored)), overlap);
        }
    }
    best.map(|(index, _)| index)
}

fn side(low: f32, high: f32) -> f64 {
    (f64::from(high) - f64::from(low)).max(0.0)
}

fn area(found: &Detection) -> f64 {
    side(found.x_min, found.x_max) * side(found.y_min, found.y_max)
}

impl Truth {
    /// What its size is judged by, px².
    fn area(&self) -> f64 {
        let of_box = || side(self.x_min, self.x_max) * side(self.y_min, self.y_max);
        self.area.map_or_else(of_box, f64::from)
    }
}

/// Intersection over union; with a crowd, the share of the detection that is within it.
fn overlap(a: &Detection, b: &Truth) -> f64 {
    let intersection =
        side(a.x_min.max(b.x_min), a.x_max.min(b.x_max)) * side(a.y_min.max(b.y_min), a.y_max.min(b.y_max));
    let area_b = side(b.x_min, b.x_max) * side(b.y_min, b.y_max);
    let union = if b.crowd { area(a) } else { area(a) + area_b - intersection };
    if union > 0.0 { intersection / union } else { 0.0 }
}
