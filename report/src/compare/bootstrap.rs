//! Whether a difference is more than chance: frames near in time fare alike, so whole stretches of time are drawn
//! anew, not single frames.

use crate::report::{Point, Report};

/// Draws; enough for the 2.5 and 97.5 percentiles to be steady.
const DRAWS: usize = 2000;
/// With fewer stretches in a run there is no telling.
const LEAST_STRETCHES: usize = 20;

/// The two ratios of sums, and the 95 % interval of the second less the first.
pub(super) type Difference = ((f64, f64), [f64; 2]);

/// `None` where a run has too few stretches of time. `of` gives a stretch's numerator and denominator.
pub(super) fn difference(a: &Report, b: &Report, of: impl Fn(&Point) -> [f64; 2]) -> Option<Difference> {
    let stretches = |report: &Report| -> Vec<[f64; 2]> {
        report.series.points.iter().map(&of).filter(|[_, weight]| *weight > 0.0).collect()
    };
    let (a, b) = (stretches(a), stretches(b));
    if a.len().min(b.len()) < LEAST_STRETCHES {
        return None;
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut differences: Vec<f64> = (0..DRAWS).map(|_| random.ratio(&b) - random.ratio(&a)).collect();
    differences.sort_by(f64::total_cmp);
    let at = |quantile: f64| differences.get((quantile * DRAWS as f64) as usize).copied();
    Some(((ratio(a.iter()), ratio(b.iter())), [at(0.025)?, at(0.975)?]))
}

fn ratio<'a>(stretches: impl Iterator<Item = &'a [f64; 2]>) -> f64 {
    let [sum, weight] = stretches.fold([0.0, 0.0], |[sum, weight], [s, w]| [sum + s, weight + w]);
    sum / weight
}

/// SplitMix64 (Steele, Lea, Flood 2014), always from the same seed: the same runs compare alike every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn ratio(&mut self, stretches: &[[f64; 2]]) -> f64 {
        let drawn = (0..stretches.len()).filter_map(|_| stretches.get((self.next() % stretches.len() as u64) as usize));
        ratio(drawn.collect::<Vec<_>>().into_iter())
    }
}
