//! The numbers of one quantity over all scenes, and what a table keeps of them.

/// Samples of one quantity.
#[derive(Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Takes one more.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that at least `share` (0 to 1) of all samples do not exceed (nearest rank); 0 without any.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0.0)
    }

    /// The arithmetic mean; 0 without any sample.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len().max(1) as f64
    }
}

/// `value` to `digits` decimals, which is all that a file should claim.
#[must_use]
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_samples_by_nearest_rank() {
        let mut samples = Samples::default();
        assert_eq!((samples.quantile(0.5), samples.mean()), (0.0, 0.0));
        for value in (1..=20).rev() {
            samples.add(f64::from(value));
        }
        assert_eq!((samples.quantile(0.5), samples.quantile(0.95), samples.quantile(1.0)), (10.0, 19.0, 20.0));
        assert_eq!((samples.quantile(0.0), samples.mean()), (1.0, 10.5));
        assert_eq!((rounded(0.123_46, 4), rounded(0.05, 0)), (0.1235, 0.0));
    }

    proptest! {
        #[test]
        fn the_share_of_samples_up_to_a_quantile_is_the_least_that_suffices(
            values in prop::collection::vec(0.0..100.0f64, 1..80), share in 0.01..=1.0f64,
        ) {
            let mut samples = Samples::default();
            values.iter().for_each(|value| samples.add(*value));
            let (found, count) = (samples.quantile(share), values.len() as f64);
            let up_to = values.iter().filter(|value| **value <= found).count() as f64;
            let below = values.iter().filter(|value| **value < found).count() as f64;
            prop_assert!(up_to >= share * count - 1e-9 && below < share * count, "{} of {:?}", found, values);
        }
    }
}
