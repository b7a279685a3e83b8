//! From single latencies to what is reported: exact quantiles of a round, medians over rounds, and their spread.

use serde::Serialize;

/// The quantiles of one round, in nanoseconds, each an observed value (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// Median.
    pub p50_ns: u64,
    /// 95th percentile.
    pub p95_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// 99.9th percentile.
    pub p999_ns: u64,
    /// The largest.
    pub max_ns: u64,
    /// Mean: the round's time over its calls.
    pub mean_ns: u64,
}

impl Quantiles {
    /// The quantiles of `samples` (nanoseconds), which are sorted on the way; `None` where there are none.
    ///
    /// ```
    /// use turbo_bench::samples::Quantiles;
    /// let quantiles = Quantiles::of(&mut (1..=1000).rev().collect::<Vec<u32>>()).unwrap();
    /// assert_eq!((quantiles.p50_ns, quantiles.p999_ns, quantiles.max_ns), (500, 999, 1000));
    /// ```
    #[must_use]
    pub fn of(samples: &mut [u32]) -> Option<Self> {
        samples.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (samples.len() * per_mille).div_ceil(1000).saturating_sub(1);
            samples.get(rank).map(|&ns| u64::from(ns))
        };
        let total: u64 = samples.iter().map(|&ns| u64::from(ns)).sum();
        Some(Self {
            p50_ns: at(500)?,
            p95_ns: at(950)?,
            p99_ns: at(990)?,
            p999_ns: at(999)?,
            max_ns: at(1000)?,
            mean_ns: total / samples.len().max(1) as u64,
        })
    }
}

/// Several rounds as one: the median round for each quantile, the largest maximum, and how far the medians lay apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Median over the rounds of their medians.
    pub p50_ns: u64,
    /// Median over the rounds of their 95th percentiles.
    pub p95_ns: u64,
    /// Median over the rounds of their 99th percentiles.
    pub p99_ns: u64,
    /// Median over the rounds of their 99.9th percentiles.
    pub p999_ns: u64,
    /// The largest sample of all rounds.
    pub max_ns: u64,
    /// Median over the rounds of their means.
    pub mean_ns: u64,
    /// The smallest and the largest median of a round.
    pub p50_spread_ns: [u64; 2],
    /// Rounds.
    pub rounds: usize,
}

impl Summary {
    /// `None` where there is no round.
    #[must_use]
    pub fn of(rounds: &[Quantiles]) -> Option<Self> {
        let sorted = |pick: fn(&Quantiles) -> u64| {
            let mut values: Vec<u64> = rounds.iter().map(pick).collect();
            values.sort_unstable();
            values
        };
        let median = |pick| {
            let values = sorted(pick);
            // Of an even number, the lower of the two in the middle: an observed value.
            values.get(values.len().saturating_sub(1) / 2).copied()
        };
        let p50s = sorted(|round| round.p50_ns);
        Some(Self {
            p50_ns: median(|round| round.p50_ns)?,
            p95_ns: median(|round| round.p95_ns)?,
            p99_ns: median(|round| round.p99_ns)?,
            p999_ns: median(|round| round.p999_ns)?,
            max_ns: rounds.iter().map(|round| round.max_ns).max()?,
            mean_ns: median(|round| round.mean_ns)?,
            p50_spread_ns: [*p50s.first()?, *p50s.last()?],
            rounds: rounds.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_samples_have_no_quantiles() {
        assert_eq!(Quantiles::of(&mut []), None);
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn the_median_round_speaks_for_all_but_the_worst_sample_is_kept() {
        let round = |p50_ns, max_ns| Quantiles { p50_ns, p95_ns: 10, p99_ns: 20, p999_ns: 30, max_ns, mean_ns: p50_ns };
        let summary = Summary::of(&[round(5, 100), round(9, 7000), round(6, 90)]).expect("three rounds");
        assert_eq!((summary.p50_ns, summary.max_ns), (6, 7000));
        assert_eq!((summary.p50_spread_ns, summary.rounds), ([5, 9], 3));
    }

    proptest! {
        /// By definition: at least a share q of the samples is at most the quantile, and less than q is below it.
        #[test]
        fn a_quantile_has_the_share_of_samples_that_its_name_says(mut samples in prop::collection::vec(0_u32..50, 1..400)) {
            let quantiles = Quantiles::of(&mut samples).expect("at least one");
            for (share, value) in [(0.5, quantiles.p50_ns), (0.95, quantiles.p95_ns), (0.99, quantiles.p99_ns), (0.999, quantiles.p999_ns)] {
                let count = samples.len() as f64;
                let at_most = samples.iter().filter(|&&ns| u64::from(ns) <= value).count() as f64;
                let below = samples.iter().filter(|&&ns| u64::from(ns) < value).count() as f64;
                prop_assert!(at_most / count >= share - 1e-12 && below / count < share, "{share}: {value} in {samples:?}");
            }
        }
    }
}
