//! Whether a utility table still says the truth: live sizes and times beside its own.
//!
//! A table is measured on some images on some machine. Where the car sees another kind of scene or runs on another
//! processor, what it says of sizes and times no longer holds. Live measurements replace it in the solver; that they
//! had to is worth a word, because accuracies cannot be measured on the road and are from the same table.

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Mean payload in megabit.
    PayloadMegabit,
    /// Encode time in ms, 95th percentile.
    EncodeMs,
    /// Execution time in ms, 95th percentile.
    ExecutionMs,
}

/// Live and tabled sizes may differ by this factor: JPEG sizes differ by about so much between streets and seasons.
pub const SIZE_BOUND: f64 = 1.5;
/// Live and tabled times may differ by this factor.
pub const TIME_BOUND: f64 = 2.0;
/// Times that differ by less than this, ms, do not count: a thread may wait so long for its core.
pub const TIME_SLACK_MS: f64 = 3.0;

/// Samples that are judged together.
const SAMPLES: usize = 32;

impl Quantity {
    /// What logs call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PayloadMegabit => "payload",
            Self::EncodeMs => "encode time",
            Self::ExecutionMs => "execution time",
        }
    }

    /// The unit of its numbers.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PayloadMegabit => "Mbit",
            Self::EncodeMs | Self::ExecutionMs => "ms",
        }
    }

    /// By which factor it may differ.
    #[must_use]
    pub const fn bound(self) -> f64 {
        match self {
            Self::PayloadMegabit => SIZE_BOUND,
            Self::EncodeMs | Self::ExecutionMs => TIME_BOUND,
        }
    }

    /// Whether `live` is so far from what the `table` says that the table is wrong.
    ///
    /// ```
    /// use allocation::drift::Quantity;
    /// assert!(Quantity::PayloadMegabit.drifted(0.7, 0.4));
    /// assert!(!Quantity::PayloadMegabit.drifted(0.5, 0.4));
    /// assert!(!Quantity::EncodeMs.drifted(3.0, 1.0), "a few ms are nothing");
    /// assert!(Quantity::EncodeMs.drifted(30.0, 10.0));
    /// ```
    #[must_use]
    pub fn drifted(self, live: f64, table: f64) -> bool {
        self.beyond(live, table, self.bound())
    }

    fn beyond(self, live: f64, table: f64, bound: f64) -> bool {
        let slack = if self == Self::PayloadMegabit { 0.0 } else { TIME_SLACK_MS };
        (live > table * bound || live * bound < table) && (live - table).abs() > slack
    }
}

/// A quantity that has left its bounds, or come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Which.
    pub quantity: Quantity,
    /// As measured.
    pub live: f64,
    /// As the table says.
    pub table: f64,
    /// Whether it is out of its bounds now.
    pub out: bool,
}

/// Watches one quantity of one configuration. Does not allocate.
#[derive(Clone, Debug)]
pub struct Watch {
    quantity: Quantity,
    table: f64,
    samples: [f64; SAMPLES],
    count: usize,
    out: bool,
}

impl Watch {
    /// Nothing seen yet of what the `table` says.
    #[must_use]
    pub const fn new(quantity: Quantity, table: f64) -> Self {
        Self { quantity, table, samples: [0.0; SAMPLES], count: 0, out: false }
    }

    /// Takes a live measurement; something to tell where that changes the verdict. 32 are judged together, so what
    /// happens once is not told; and what is out is in again only where it is well within its bounds.
    pub fn add(&mut self, live: f64) -> Option<Drift> {
        if !live.is_finite() {
            return None;
        }
        if let Some(slot) = self.samples.get_mut(self.count) {
            *slot = live;
        }
        self.count += 1;
        if self.count < SAMPLES {
            return None;
        }
        self.count = 0;
        let live = match self.quantity {
            Quantity::PayloadMegabit => self.samples.iter().sum::<f64>() / SAMPLES as f64,
            Quantity::EncodeMs | Quantity::ExecutionMs => {
                self.samples.sort_unstable_by(f64::total_cmp);
                self.samples.get((SAMPLES * 95).div_ceil(100) - 1).copied().unwrap_or(0.0)
            }
        };
        self.judge(live)
    }

    /// Takes a statistic that somebody else made of many measurements, as the cloud's 95th percentile.
    pub fn judge(&mut self, live: f64) -> Option<Drift> {
        let bound = if self.out { self.quantity.bound().sqrt() } else { self.quantity.bound() };
        let out = self.quantity.beyond(live, self.table, bound);
        let changed = out != self.out;
        self.out = out;
        changed.then_some(Drift { quantity: self.quantity, live, table: self.table, out })
    }

    /// Whether it is out of its bounds.
    #[must_use]
    pub const fn is_out(&self) -> bool {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(watch: &mut Watch, values: impl IntoIterator<Item = f64>) -> Vec<Drift> {
        values.into_iter().filter_map(|value| watch.add(value)).collect()
    }

    #[test]
    fn it_is_told_once_and_once_when_it_is_over() {
        let mut watch = Watch::new(Quantity::PayloadMegabit, 0.4);
        assert_eq!(told(&mut watch, [0.4; 320]), []);
        assert_eq!(told(&mut watch, [4.0; 3]), [], "three frames are nothing");
        assert_eq!(told(&mut watch, [0.4; 29]).len(), 1, "but a tenth of them ten times as large is");
        let [over] = told(&mut watch, [0.4; 320])[..] else { panic!("told once") };
        assert!(!over.out);
        let [drift] = told(&mut watch, [1.0; 320])[..] else { panic!("told once") };
        assert!(drift.out && watch.is_out() && (drift.live, drift.table) == (1.0, 0.4));
        assert_eq!(told(&mut watch, [0.55; 320]), [], "near the bound it is not in again");
    }

    #[test]
    fn one_slow_encoding_in_twenty_is_what_a_95th_percentile_allows() {
        let mut watch = Watch::new(Quantity::EncodeMs, 10.0);
        assert_eq!(told(&mut watch, (0..320).map(|n| if n % 32 == 0 { 500.0 } else { 9.0 })), []);
        assert_eq!(told(&mut watch, (0..32).map(|n| if n % 8 == 0 { 500.0 } else { 9.0 })).len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_equal_never_drifts_and_direction_does_not_matter(table in 0.01..1000.0f64, factor in 1.0..4.0f64) {
            let quantity = Quantity::PayloadMegabit;
            prop_assert!(!quantity.drifted(table, table));
            prop_assert!(!quantity.drifted(f64::NAN, table));
            if (factor - SIZE_BOUND).abs() > 1e-9 {
                prop_assert_eq!(quantity.drifted(table * factor, table), factor > SIZE_BOUND);
                prop_assert_eq!(quantity.drifted(table / factor, table), factor > SIZE_BOUND);
            }
        }
    }
}
