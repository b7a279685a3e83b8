//! What services without a rate of their own send on what the others leave of the uplink.
//!
//! A frame that comes late costs nothing, as the on-vehicle detector decides then; a frame that is not sent cannot be in
//! time. So a service for which the uplink, as estimated, has no rate sends the configuration that is worth most by its
//! chance of success, behind all who have a rate. It also shows the link's rate far sooner than a probe now and then.

use crate::allocation::Allocation;
use crate::feasibility::{cloud_seconds_per_s, slack_s};
use crate::problem::{Capacity, ServiceProblem};

/// How far the rate that a frame meets is from the estimate: standard deviation of the logarithm of their ratio. Of the
/// values tried on recorded cellular traces (0.3 to 1) 0.4 to 0.5 gained most.
const SPREAD: f64 = 0.4;
/// The logistic function of this times z is within 0.01 of the normal distribution (Bowling et al., 2009).
const LOGISTIC: f64 = 1.702;

/// Probability that the uplink carries `bits` within `slack_s`, given its estimate in bit/s.
pub(super) fn chance(bits: f64, slack_s: f64, estimate_bps: f64) -> f64 {
    let z = (estimate_bps.max(1.0) * slack_s / bits).ln() / SPREAD;
    1.0 / (1.0 + (-LOGISTIC * z).exp())
}

/// Gives every service that stays on the vehicle what is worth most on the rest of the uplink, at rate 0. Frames go one
/// after another, so each waits for all before it. Only the cloud's time that is left is given out.
pub(super) fn lend(services: &[ServiceProblem], capacity: &Capacity, allocation: &mut Allocation) {
    let (mut bits_ahead, mut cloud_left) = (0.0, capacity.cloud_seconds_per_s());
    for (service, answer) in services.iter().zip(&allocation.services) {
        if let Some(choice) = answer.choice.and_then(|index| service.menu.get(index)) {
            bits_ahead += choice.costs().mean_bits;
            cloud_left -= cloud_seconds_per_s(choice, &service.demand());
        }
    }
    for (service, answer) in services.iter().zip(&mut allocation.services) {
        if answer.choice.is_some() {
            continue;
        }
        let demand = service.demand();
        let mut most = 0.0;
        for (index, choice) in service.menu.choices().iter().enumerate() {
            let gain = demand.weight * (choice.accuracy() - demand.floor_accuracy);
            let Some(slack_s) = slack_s(choice, &demand, capacity).filter(|_| gain > 0.0) else { continue };
            if cloud_seconds_per_s(choice, &demand) > cloud_left {
                continue;
            }
            let worth = gain * chance(bits_ahead + choice.costs().mean_bits, slack_s, capacity.uplink_bps());
            if worth > most {
                (most, answer.choice) = (worth, Some(index));
            }
        }
        if let Some(choice) = answer.choice.and_then(|index| service.menu.get(index)) {
            bits_ahead += choice.costs().mean_bits;
            cloud_left -= cloud_seconds_per_s(choice, &demand);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::ServiceAllocation;
    use crate::choice::{Choice, Costs};
    use crate::menu::Menu;
    use crate::problem::Demand;

    /// Megabit, execution time in ms, accuracy.
    fn service(entries: &[(f64, f64, f64)]) -> ServiceProblem {
        let choices = entries.iter().enumerate().map(|(index, &(megabit, execution_ms, accuracy))| {
            let costs = Costs {
                payload_bits: megabit * 1e6,
                mean_bits: megabit * 1e6,
                encode_s: 0.0,
                execution_s: execution_ms * 1e-3,
            };
            Choice::new(format!("m{index}-imgcomp50-inpcompNone").parse().unwrap(), costs, accuracy).unwrap()
        });
        let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.0, floor_accuracy: 0.4 };
        ServiceProblem::new(demand, Menu::new(choices.collect()).unwrap()).unwrap()
    }

    fn lent(services: &[ServiceProblem], capacity: Capacity) -> Vec<ServiceAllocation> {
        let mut allocation = Allocation::default();
        allocation.services.resize(services.len(), ServiceAllocation::default());
        lend(services, &capacity, &mut allocation);
        allocation.services
    }

    fn choices(given: &[ServiceAllocation]) -> Vec<Option<usize>> {
        given.iter().map(|given| given.choice).collect()
    }

    #[test]
    fn the_chance_rises_with_rate_and_time_and_is_even_at_the_estimate() {
        assert!((chance(1e6, 0.1, 1e7) - 0.5).abs() < 1e-9);
        assert!(chance(1e6, 0.1, 2e7) > 0.9 && chance(1e6, 0.1, 5e6) < 0.1);
        assert!(chance(1e6, 0.2, 1e7) > chance(1e6, 0.15, 1e7));
        assert!(chance(1e6, 0.1, 0.0) >= 0.0);
    }

    #[test]
    fn the_worth_is_gain_times_chance_and_the_later_wait_for_the_earlier() {
        let small_or_large = [(0.4, 50.0, 0.43), (1.0, 50.0, 0.55)];
        let at = |mbps: f64| Capacity::new(mbps * 1e6, 0.05).unwrap();
        assert_eq!(choices(&lent(&[service(&small_or_large)], at(1.0))), [Some(0)], "hardly a chance for the large");
        assert_eq!(choices(&lent(&[service(&small_or_large)], at(9.0))), [Some(1)], "9 of the 10 Mbit/s it needs");
        let two = [service(&small_or_large), service(&small_or_large)];
        assert_eq!(choices(&lent(&two, at(9.0))), [Some(1), Some(1)]);
        let behind = [service(&[(2.0, 50.0, 0.55)]), service(&small_or_large)];
        assert!(lent(&behind, at(9.0)).iter().all(|given| given.rate_bps == 0.0));
    }

    #[test]
    fn what_cannot_be_in_time_or_gains_nothing_or_has_no_worker_is_not_sent() {
        let at = Capacity::new(9e6, 0.05).unwrap();
        assert_eq!(choices(&lent(&[service(&[(0.4, 150.0, 0.5)])], at)), [None], "no time is left at any rate");
        assert_eq!(choices(&lent(&[service(&[(0.4, 50.0, 0.4)])], at)), [None], "no better than the vehicle");
        let two = [service(&[(0.4, 50.0, 0.5)]), service(&[(0.4, 50.0, 0.5)])];
        assert_eq!(choices(&lent(&two, at.with_cloud(0.3).unwrap())), [Some(0), None], "0.25 s/s each");
    }
}
