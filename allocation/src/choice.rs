//! One entry of a service's menu: a model configuration with what it costs and what it is worth.

use crate::model_config::ModelConfig;
use crate::quantity::{InvalidQuantity, fraction, non_negative, positive};

/// The measured costs of one configuration, as they enter [`Choice::new`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Bits one frame puts on the uplink, 95th percentile. Above 0.
    pub payload_bits: f64,
    /// Bits one frame puts on the uplink on average. Above 0.
    pub mean_bits: f64,
    /// Seconds on the vehicle from the frame at hand to the payload ready to send, 95th percentile.
    pub encode_s: f64,
    /// Seconds on the cloud from the last byte received to the result ready to send (decode, preparation, inference
    /// and finish), 95th percentile.
    pub execution_s: f64,
}

/// A configuration that a service may choose. Its numbers are finite and in range by construction.
///
/// ```
/// use allocation::choice::{Choice, Costs};
/// let costs = Costs { payload_bits: 0.39e6, mean_bits: 0.36e6, encode_s: 0.004, execution_s: 0.053 };
/// let choice = Choice::new("edd2-imgcompNone-inpcomp50".parse()?, costs, 0.43)?;
/// assert_eq!(choice.accuracy(), 0.43);
/// assert!(Choice::new(choice.config().clone(), costs, f64::NAN).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    config: ModelConfig,
    costs: Costs,
    typical_execution_s: Option<f64>,
    accuracy: f64,
}

impl Choice {
    /// A menu entry of expected `accuracy` (0..=1, in the unit of the utility table).
    ///
    /// # Errors
    /// [`InvalidQuantity`] names the first number that is NaN, infinite, negative, zero for a payload, or an accuracy
    /// outside 0..=1.
    pub fn new(config: ModelConfig, costs: Costs, accuracy: f64) -> Result<Self, InvalidQuantity> {
        check_costs(costs)?;
        fraction("the accuracy of a choice", accuracy)?;
        Ok(Self { config, costs, typical_execution_s: None, accuracy })
    }

    /// Adds the median of the execution time in seconds, which only a policy that plans with typical values looks at;
    /// without it the 95th percentile stands in.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where it is NaN, infinite or negative.
    pub fn with_typical_execution(self, seconds: f64) -> Result<Self, InvalidQuantity> {
        let seconds = non_negative("the median execution time of a choice in seconds", seconds)?;
        Ok(Self { typical_execution_s: Some(seconds), ..self })
    }

    /// Replaces the costs by fresh measurements; does not allocate.
    ///
    /// # Errors
    /// As [`Choice::new`]; the choice keeps its old costs then.
    pub fn set_costs(&mut self, costs: Costs) -> Result<(), InvalidQuantity> {
        self.costs = check_costs(costs)?;
        Ok(())
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The costs.
    #[must_use]
    pub fn costs(&self) -> Costs {
        self.costs
    }

    /// Median seconds on the cloud where known, else, and at most, the 95th percentile.
    #[must_use]
    pub fn typical_execution_s(&self) -> f64 {
        self.typical_execution_s.map_or(self.costs.execution_s, |typical| typical.min(self.costs.execution_s))
    }

    /// 95th percentile of the execution time over its median, at least 1.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let typical = self.typical_execution_s();
        if typical > 0.0 { self.costs.execution_s / typical } else { 1.0 }
    }

    /// Expected accuracy, 0..=1.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }
}

fn check_costs(costs: Costs) -> Result<Costs, InvalidQuantity> {
    positive("the p95 payload of a choice in bits", costs.payload_bits)?;
    positive("the mean payload of a choice in bits", costs.mean_bits)?;
    non_negative("the p95 encode time of a choice in seconds", costs.encode_s)?;
    non_negative("the p95 execution time of a choice in seconds", costs.execution_s)?;
    Ok(costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Costs = Costs { payload_bits: 1e6, mean_bits: 9e5, encode_s: 0.01, execution_s: 0.05 };

    #[test]
    fn each_bad_number_is_refused_by_name() {
        let config: ModelConfig = "m-imgcomp50-inpcompNone".parse().unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
            for (costs, accuracy, word) in [
                (Costs { payload_bits: bad, ..GOOD }, 0.5, "p95 payload"),
                (Costs { mean_bits: bad, ..GOOD }, 0.5, "mean payload"),
                (Costs { encode_s: bad, ..GOOD }, 0.5, "encode"),
                (Costs { execution_s: bad, ..GOOD }, 0.5, "execution"),
                (GOOD, bad, "accuracy"),
            ] {
                let error = Choice::new(config.clone(), costs, accuracy).unwrap_err().to_string();
                assert!(error.contains(word) && error.contains(&bad.to_string()), "{error}");
            }
        }
        assert!(Choice::new(config.clone(), GOOD, 1.01).is_err());
        assert!(Choice::new(config.clone(), Costs { payload_bits: 0.0, ..GOOD }, 0.5).is_err());
        let mut choice = Choice::new(config, GOOD, 1.0).unwrap();
        assert!(choice.set_costs(Costs { encode_s: f64::NAN, ..GOOD }).is_err());
        assert_eq!(choice.costs(), GOOD);
    }
}
