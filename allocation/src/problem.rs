//! What is to be decided: the services with their menus and deadlines, and the capacity they share.

use crate::choice::Choice;
use crate::menu::Menu;
use crate::quantity::{InvalidQuantity, check, fraction, non_negative, positive};

/// The highest weight of a service. Bounded so that no context rule can drown the other services, and so that the
/// solver's integer sums stay exact.
pub const MAX_WEIGHT: f64 = 1000.0;

/// What is asked of one service; the argument of [`ServiceProblem::new`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// How much the service's accuracy counts, 0..=[`MAX_WEIGHT`].
    pub weight: f64,
    /// Seconds from capture to decision. Above 0.
    pub slo_s: f64,
    /// Frames per second. Above 0.
    pub fps: f64,
    /// Seconds kept free before the deadline for the decision itself and for jitter.
    pub margin_s: f64,
    /// Expected accuracy of the on-vehicle detector, 0..=1: what the service gets without any uplink.
    pub floor_accuracy: f64,
}

/// One service: its demand and its menu. Every number is finite and in range by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceProblem {
    demand: Demand,
    /// What the service may choose from; its numbers may be refreshed between solves.
    pub menu: Menu,
}

impl ServiceProblem {
    /// A service.
    ///
    /// # Errors
    /// [`InvalidQuantity`] names the first number of `demand` that is out of its range.
    pub fn new(demand: Demand, menu: Menu) -> Result<Self, InvalidQuantity> {
        check_weight(demand.weight)?;
        positive("the SLO of a service in seconds", demand.slo_s)?;
        positive("the frame rate of a service per second", demand.fps)?;
        non_negative("the decision margin of a service in seconds", demand.margin_s)?;
        fraction("the on-vehicle accuracy of a service", demand.floor_accuracy)?;
        Ok(Self { demand, menu })
    }

    /// What is asked.
    #[must_use]
    pub fn demand(&self) -> Demand {
        self.demand
    }

    /// Changes the weight, as a driving context does; does not allocate.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where it is not in 0..=[`MAX_WEIGHT`]; the old weight stays then.
    pub fn set_weight(&mut self, weight: f64) -> Result<(), InvalidQuantity> {
        self.demand.weight = check_weight(weight)?;
        Ok(())
    }

    /// Changes the service's deadline; does not allocate.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where it is not above 0; the old deadline stays then.
    pub fn set_slo_s(&mut self, slo_s: f64) -> Result<(), InvalidQuantity> {
        self.demand.slo_s = positive("the SLO of a service in seconds", slo_s)?;
        Ok(())
    }
}

fn check_weight(weight: f64) -> Result<f64, InvalidQuantity> {
    let holds = (0.0..=MAX_WEIGHT).contains(&weight);
    check("the weight of a service", weight, "a number in 0..=1000", holds)
}

/// What the services share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    uplink_bps: f64,
    rtt_s: f64,
    cloud_seconds_per_s: f64,
    cost_per_mb: f64,
}

/// The highest cost of a megabyte on the uplink, in weighted accuracy.
pub const MAX_COST_PER_MB: f64 = 1000.0;
const BITS_PER_MB: f64 = 8e6;

impl Capacity {
    /// An uplink of `uplink_bps` bits per second with a round trip of `rtt_s` seconds (95th percentile) to a cloud
    /// without a limit of its own.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where either is NaN, infinite or negative. 0 bit/s is a capacity: a link that is down.
    pub fn new(uplink_bps: f64, rtt_s: f64) -> Result<Self, InvalidQuantity> {
        non_negative("the uplink's capacity in bit/s", uplink_bps)?;
        non_negative("the round trip in seconds", rtt_s)?;
        Ok(Self { uplink_bps, rtt_s, cloud_seconds_per_s: f64::INFINITY, cost_per_mb: 0.0 })
    }

    /// Limits the cloud: Σ fps · execution time over the services may not exceed `cloud_seconds_per_s`. A worker that
    /// serves one frame at a time gives 1 per second.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where it is NaN or negative; `f64::INFINITY` stands for no limit.
    pub fn with_cloud(self, cloud_seconds_per_s: f64) -> Result<Self, InvalidQuantity> {
        let expected = "a number that is not negative, or infinity for no limit";
        check("the cloud's capacity in s/s", cloud_seconds_per_s, expected, cloud_seconds_per_s >= 0.0)?;
        Ok(Self { cloud_seconds_per_s, ..self })
    }

    /// Makes a megabyte (10⁶ bytes) on the uplink cost so much of weighted accuracy: a frame is sent only where it gains
    /// more, and a smaller one is preferred where the larger gains too little. 0 without it.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where it is NaN or outside 0..=[`MAX_COST_PER_MB`].
    pub fn with_cost_per_mb(self, cost_per_mb: f64) -> Result<Self, InvalidQuantity> {
        let holds = (0.0..=MAX_COST_PER_MB).contains(&cost_per_mb);
        check("the cost of a megabyte in weighted accuracy", cost_per_mb, "a number in 0..=1000", holds)?;
        Ok(Self { cost_per_mb, ..self })
    }

    /// What a frame of `choice` costs on the uplink, in weighted accuracy.
    #[must_use]
    pub fn cost_of(&self, choice: &Choice) -> f64 {
        self.cost_per_mb * choice.costs().mean_bits / BITS_PER_MB
    }

    /// The same uplink at no cost to a cloud without a limit.
    #[must_use]
    pub fn without_cloud_limit_and_cost(self) -> Self {
        Self { cloud_seconds_per_s: f64::INFINITY, cost_per_mb: 0.0, ..self }
    }

    /// The same cloud behind this part (0..=1) of the uplink.
    #[must_use]
    pub(crate) fn with_uplink_share(self, share: f64) -> Self {
        Self { uplink_bps: self.uplink_bps * share, ..self }
    }

    /// Bits per second that all services share.
    #[must_use]
    pub fn uplink_bps(&self) -> f64 {
        self.uplink_bps
    }

    /// Round trip in seconds.
    #[must_use]
    pub fn rtt_s(&self) -> f64 {
        self.rtt_s
    }

    /// Seconds of execution per second that the cloud grants this car; infinite without a limit.
    #[must_use]
    pub fn cloud_seconds_per_s(&self) -> f64 {
        self.cloud_seconds_per_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_number_is_refused_by_name() {
        let good = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.01, floor_accuracy: 0.3 };
        for bad in [f64::NAN, -0.5, f64::INFINITY] {
            for (demand, word) in [
                (Demand { weight: bad, ..good }, "weight"),
                (Demand { slo_s: bad, ..good }, "SLO"),
                (Demand { fps: bad, ..good }, "frame rate"),
                (Demand { margin_s: bad, ..good }, "margin"),
                (Demand { floor_accuracy: bad, ..good }, "on-vehicle accuracy"),
            ] {
                let error = ServiceProblem::new(demand, Menu::default()).unwrap_err().to_string();
                assert!(error.contains(word), "{error}");
            }
            assert!(Capacity::new(bad, 0.05).is_err());
            assert!(Capacity::new(1e6, bad).is_err());
        }
        let capacity = Capacity::new(0.0, 0.05).unwrap();
        assert!(capacity.with_cloud(f64::NAN).is_err());
        assert!(capacity.with_cloud(-1.0).is_err());
        assert!(capacity.with_cloud(f64::INFINITY).is_ok());
        for bad in [f64::NAN, -1.0, 2e9, f64::INFINITY] {
            assert!(capacity.with_cost_per_mb(bad).unwrap_err().to_string().contains("megabyte"));
        }
        let mut service = ServiceProblem::new(good, Menu::default()).unwrap();
        assert!(service.set_weight(1000.5).is_err());
        assert_eq!(service.demand().weight, 1.0);
    }
}
