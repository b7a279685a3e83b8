//! Sizes and times of a run in place of the table's.

use allocation::choice::{Choice, Costs as TableCosts};
use allocation::quantity::InvalidQuantity;

/// From so many on, measurements replace what the table says: a 95th percentile needs that many.
const ENOUGH: usize = 20;
/// From so many on, their median replaces the table's, whose tail is scaled with it: a model that was seldom asked for is
/// still as slow as it was, and whether it can be in time may be all that decides.
const ENOUGH_FOR_A_MEDIAN: usize = 4;

/// Measurements of one quantity.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

/// What one configuration was measured to cost.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    pub bits: Sample,
    pub encode_s: Sample,
    pub execution_s: Sample,
}

impl Sample {
    /// All of some samples.
    pub fn of<'a>(samples: impl Iterator<Item = &'a Self>) -> Self {
        Self(samples.flat_map(|sample| sample.0.iter().copied()).collect())
    }

    pub fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.0.push(value);
        }
    }

    /// Mean, median and 95th percentile; nothing of too few.
    fn statistics(&self) -> Option<[f64; 3]> {
        let mean = self.0.iter().sum::<f64>() / self.0.len().max(1) as f64;
        (self.0.len() >= ENOUGH).then_some([mean, self.quantile(50)?, self.quantile(95)?])
    }

    /// Median and 95th percentile; of a few the latter as many times the median as `typical` and `tail` are apart.
    fn times(&self, typical: f64, tail: f64) -> Option<[f64; 2]> {
        if let Some([_, median, p95]) = self.statistics() {
            return Some([median, p95]);
        }
        let median = self.quantile(50).filter(|_| self.0.len() >= ENOUGH_FOR_A_MEDIAN && typical > 0.0)?;
        Some([median, median * tail / typical])
    }

    fn quantile(&self, percent: usize) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
    }
}

/// The table's choice with what was measured of its configuration; execution times also with those of its whole model,
/// which hardly depend on the payload.
///
/// # Errors
/// [`InvalidQuantity`] where a measurement is no number a choice may have.
pub fn choice(table: &Choice, own: Option<&Costs>, of_model: &Sample) -> Result<Choice, InvalidQuantity> {
    let known = table.costs();
    let of_own = |of: fn(&Costs) -> &Sample| own.and_then(|costs| of(costs).statistics());
    let [mean_bits, _, payload_bits] =
        of_own(|costs| &costs.bits).unwrap_or([known.mean_bits, 0.0, known.payload_bits]);
    let encode_s = of_own(|costs| &costs.encode_s).map_or(known.encode_s, |[.., p95]| p95);
    let (typical, tail) = (table.typical_execution_s(), known.execution_s);
    let own = own.and_then(|costs| costs.execution_s.statistics()).map(|[_, typical, tail]| [typical, tail]);
    let [typical_s, execution_s] = own.or_else(|| of_model.times(typical, tail)).unwrap_or([typical, tail]);
    let costs = TableCosts { payload_bits, mean_bits, encode_s, execution_s };
    Choice::new(table.config().clone(), costs, table.accuracy())?.with_typical_execution(typical_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_measurements_take_the_tables_place_and_few_do_not() {
        let costs = TableCosts { payload_bits: 4e5, mean_bits: 3e5, encode_s: 0.005, execution_s: 0.04 };
        let table = Choice::new("edd1-imgcompNone-inpcomp50".parse().unwrap(), costs, 0.3).unwrap();
        let sample = |count: u32, scale: f64| Sample((1..=count).map(|k| f64::from(k) * scale).collect());
        let few = Costs { bits: sample(19, 1e4), encode_s: sample(19, 1e-3), execution_s: sample(19, 1e-3) };
        let kept = choice(&table, Some(&few), &Sample::default()).unwrap();
        assert_eq!((kept.costs(), kept.typical_execution_s()), (costs, 0.04));
        let enough = Costs { bits: sample(100, 1e4), ..few };
        let own = choice(&table, Some(&enough), &sample(40, 1e-3)).unwrap();
        assert_eq!((own.costs().mean_bits, own.costs().payload_bits), (505e3, 950e3));
        assert_eq!(
            (own.costs().execution_s, own.typical_execution_s()),
            (0.038, 0.02),
            "its model's, as it has too few"
        );
        assert_eq!(own.costs().encode_s, 0.005);
        let table = table.with_typical_execution(0.02).unwrap();
        let seldom = choice(&table, None, &sample(5, 0.01)).unwrap();
        assert_eq!(seldom.typical_execution_s(), 0.03);
        assert!((seldom.costs().execution_s - 0.06).abs() < 1e-9, "twice the median: {}", seldom.costs().execution_s);
        let hardly = choice(&table, None, &sample(3, 0.01)).unwrap();
        assert_eq!((hardly.costs().execution_s, hardly.typical_execution_s()), (0.04, 0.02));
    }
}
