//! A series over a time that is not known beforehand, in bounded memory.

/// The narrowest a bin is, s.
const NARROWEST_SECS: f64 = 0.05;
/// The most bins; when time goes on beyond them, each two become one of twice the width.
const MOST: usize = 1024;
/// A moment later than this after the start is no moment of a run but a broken clock's.
const LONGEST_SECS: f64 = 366.0 * 86_400.0;

/// Sums of `N` quantities per stretch of time.
///
/// ```
/// use turbo_report::analysis::Bins;
/// let mut bins = Bins::<1>::default();
/// (0..100_000).for_each(|second| bins.add(f64::from(second), [1.0]));
/// assert!(bins.bins().len() <= 1024);
/// assert_eq!(bins.bins().iter().map(|[count]| count).sum::<f64>(), 100_000.0);
/// ```
#[derive(Clone, Debug)]
pub struct Bins<const N: usize> {
    width_secs: f64,
    bins: Vec<[f64; N]>,
    last_secs: f64,
}

impl<const N: usize> Default for Bins<N> {
    fn default() -> Self {
        Self { width_secs: NARROWEST_SECS, bins: Vec::new(), last_secs: 0.0 }
    }
}

impl<const N: usize> Bins<N> {
    /// Adds `values` at `at` seconds from the start; what is not finite is left out.
    pub fn add(&mut self, at: f64, values: [f64; N]) {
        if !(at.is_finite() && at < LONGEST_SECS) {
            return;
        }
        self.last_secs = self.last_secs.max(at);
        self.put(at.max(0.0), values);
    }

    fn put(&mut self, at: f64, values: [f64; N]) {
        while at >= self.width_secs * MOST as f64 {
            self.widen();
        }
        let index = (at / self.width_secs) as usize;
        if self.bins.len() <= index {
            self.bins.resize(index + 1, [0.0; N]);
        }
        if let Some(bin) = self.bins.get_mut(index) {
            for (sum, value) in bin.iter_mut().zip(values) {
                *sum += if value.is_finite() { value } else { 0.0 };
            }
        }
    }

    /// Adds another series'.
    pub fn merge(&mut self, other: &Self) {
        self.widen_to(other.width_secs);
        self.last_secs = self.last_secs.max(other.last_secs);
        for (index, values) in other.bins.iter().enumerate() {
            self.put((index as f64 + 0.5) * other.width_secs, *values);
        }
    }

    fn widen(&mut self) {
        self.width_secs *= 2.0;
        self.bins = self
            .bins
            .chunks(2)
            .map(|pair| {
                let mut sum = [0.0; N];
                pair.iter().for_each(|bin| sum.iter_mut().zip(bin).for_each(|(sum, value)| *sum += value));
                sum
            })
            .collect();
    }

    /// The width at which the series has at most `most` bins.
    #[must_use]
    pub fn fitting(&self, most: usize) -> f64 {
        let (mut width, mut bins) = (self.width_secs, self.bins.len());
        while bins > most.max(1) {
            (width, bins) = (width * 2.0, bins.div_ceil(2));
        }
        width
    }

    /// Makes bins at least this wide, and tells how many there are then.
    pub fn widen_to(&mut self, width_secs: f64) -> usize {
        while self.width_secs < width_secs {
            self.widen();
        }
        self.bins.len()
    }

    /// A bin's width.
    #[must_use]
    pub const fn width_secs(&self) -> f64 {
        self.width_secs
    }

    /// The last moment that was added, s from the start.
    #[must_use]
    pub const fn last_secs(&self) -> f64 {
        self.last_secs
    }

    /// The sums, from the start on.
    #[must_use]
    pub fn bins(&self) -> &[[f64; N]] {
        &self.bins
    }

    /// All bins' sums together.
    #[must_use]
    pub fn total(&self) -> [f64; N] {
        let mut total = [0.0; N];
        self.bins.iter().for_each(|bin| total.iter_mut().zip(bin).for_each(|(sum, value)| *sum += value));
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn merging_is_adding(a in prop::collection::vec(0.0..1e5, 0..200), b in prop::collection::vec(0.0..1e3, 0..200)) {
            let of = |times: &[f64]| {
                let mut bins = Bins::<1>::default();
                times.iter().for_each(|&at| bins.add(at, [1.0]));
                bins
            };
            let (mut merged, both) = (of(&a), of(&[a.clone(), b.clone()].concat()));
            merged.merge(&of(&b));
            prop_assert_eq!(merged.width_secs(), both.width_secs());
            prop_assert_eq!(merged.bins(), both.bins());
            let width = both.fitting(7);
            prop_assert!(merged.widen_to(width) <= 7);
            prop_assert_eq!(merged.total(), both.total());
        }
    }

    #[test]
    fn a_broken_clock_does_not_stretch_the_series() {
        let mut bins = Bins::<1>::default();
        bins.add(1.0, [1.0]);
        for at in [f64::NAN, f64::INFINITY, 1e12, -5.0] {
            bins.add(at, [1.0]);
        }
        assert_eq!(bins.total(), [2.0]);
        assert!(bins.width_secs() < 0.1);
    }
}
