//! What is sent in the hope that the link carries it: the expected worth of an allocation, and what services without a
//! rate of their own send on what the others leave.
//!
//! A frame that comes late costs nothing, as the on-vehicle detector decides then; a frame that is not sent cannot be in
//! time. So an allocation is worth Σ chance · gain over the vehicle, less what its bytes cost, and a service for which
//! the plan has no rate sends the configuration that is worth most by its chance, behind all who have a rate. It also
//! shows the link's rate far sooner than a probe now and then.

use super::success::Success;
use crate::allocation::{Allocation, ServiceAllocation};
use crate::choice::Choice;
use crate::feasibility::{cloud_seconds_per_s, slack_s};
use crate::problem::{Capacity, Demand, ServiceProblem};

/// The share of the estimated uplink that a frame needs as the last of so many `bits`, and the seconds that these take
/// as estimated; `None` where it has no time at any rate.
fn need(bits: f64, choice: &Choice, demand: &Demand, capacity: &Capacity) -> Option<(f64, f64)> {
    let uplink_s = bits / capacity.uplink_bps().max(1.0);
    Some((uplink_s / slack_s(choice, demand, capacity)?, uplink_s))
}

/// Gives every service that stays on the vehicle what is worth most on the rest of the uplink, at rate 0, and tells
/// each what it needs. Frames go one after another, so each waits for all before it. Only the cloud's time that is left
/// is given out. Returns what all of it is expected to be worth beyond the on-vehicle detectors.
pub(super) fn lend(
    services: &[ServiceProblem],
    capacity: &Capacity,
    success: &Success,
    allocation: &mut Allocation,
) -> f64 {
    let (mut bits_ahead, mut cloud_left, mut worth) = (0.0, capacity.cloud_seconds_per_s(), 0.0);
    for (service, answer) in services.iter().zip(&mut allocation.services) {
        (answer.need, answer.uplink_s) = (0.0, 0.0);
        let demand = service.demand();
        let Some(choice) = answer.choice.and_then(|index| service.menu.get(index)) else { continue };
        bits_ahead += choice.costs().mean_bits;
        cloud_left -= cloud_seconds_per_s(choice, &demand);
        if let Some((need, uplink_s)) = need(bits_ahead, choice, &demand, capacity) {
            (answer.need, answer.uplink_s) = (need, uplink_s);
            worth += demand.weight * (choice.accuracy() - demand.floor_accuracy) * success.chance(need);
        }
        worth -= capacity.cost_of(choice);
    }
    for (service, answer) in services.iter().zip(&mut allocation.services) {
        if answer.choice.is_some() {
            continue;
        }
        let demand = service.demand();
        let mut most = 0.0;
        for (index, choice) in service.menu.choices().iter().enumerate() {
            let gain = demand.weight * (choice.accuracy() - demand.floor_accuracy);
            if gain <= 0.0 || cloud_seconds_per_s(choice, &demand) > cloud_left {
                continue;
            }
            let bits = bits_ahead + choice.costs().mean_bits;
            let Some((need, uplink_s)) = need(bits, choice, &demand, capacity) else { continue };
            // Late or not, what is sent is paid for.
            let expected = gain * success.chance(need) - capacity.cost_of(choice);
            if expected > most {
                most = expected;
                *answer = ServiceAllocation { choice: Some(index), need, uplink_s, ..*answer };
            }
        }
        worth += most;
        if let Some(choice) = answer.choice.and_then(|index| service.menu.get(index)) {
            bits_ahead += choice.costs().mean_bits;
            cloud_left -= cloud_seconds_per_s(choice, &demand);
        }
    }
    worth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Costs;
    use crate::menu::Menu;

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

    fn lent(services: &[ServiceProblem], capacity: Capacity) -> (Vec<ServiceAllocation>, f64) {
        let mut allocation = Allocation::default();
        allocation.services.resize(services.len(), ServiceAllocation::default());
        let worth = lend(services, &capacity, &Success::default(), &mut allocation);
        (allocation.services, worth)
    }

    fn choices(services: &[ServiceProblem], capacity: Capacity) -> Vec<Option<usize>> {
        lent(services, capacity).0.iter().map(|given| given.choice).collect()
    }

    #[test]
    fn the_worth_is_gain_times_chance_and_the_later_wait_for_the_earlier() {
        let small_or_large = [(0.4, 50.0, 0.43), (1.0, 50.0, 0.55)];
        let at = |mbps: f64| Capacity::new(mbps * 1e6, 0.05).unwrap();
        assert_eq!(choices(&[service(&small_or_large)], at(1.0)), [Some(0)], "hardly a chance for the large");
        assert_eq!(choices(&[service(&small_or_large)], at(9.0)), [Some(1)], "9 of the 10 Mbit/s it needs");
        assert_eq!(choices(&[service(&small_or_large)], at(0.02)), [Some(0)], "500 times too slow even for the small");
        let two = [service(&small_or_large), service(&small_or_large)];
        let (given, worth) = lent(&two, at(9.0));
        assert_eq!((given[0].choice, given[1].choice), (Some(1), Some(1)));
        assert!((given[0].need - 1.0 / 0.9).abs() < 1e-9 && (given[1].need - 2.0 / 0.9).abs() < 1e-9, "{given:?}");
        let success = Success::default();
        assert!((worth - 0.15 * (success.chance(1.0 / 0.9) + success.chance(2.0 / 0.9))).abs() < 1e-9);
        let behind = [service(&[(2.0, 50.0, 0.55)]), service(&small_or_large)];
        assert!(lent(&behind, at(9.0)).0.iter().all(|given| given.rate_bps == 0.0));
    }

    #[test]
    fn what_cannot_be_in_time_or_gains_nothing_or_has_no_worker_is_not_sent() {
        let at = Capacity::new(9e6, 0.05).unwrap();
        assert_eq!(choices(&[service(&[(0.4, 150.0, 0.5)])], at), [None], "no time is left at any rate");
        assert_eq!(choices(&[service(&[(0.4, 50.0, 0.4)])], at), [None], "no better than the vehicle");
        let two = [service(&[(0.4, 50.0, 0.5)]), service(&[(0.4, 50.0, 0.5)])];
        assert_eq!(choices(&two, at.with_cloud(0.3).unwrap()), [Some(0), None], "0.25 s/s each");
        // 50 kB that gain at most 0.1.
        let one = [service(&[(0.4, 50.0, 0.5)])];
        assert_eq!(choices(&one, at.with_cost_per_mb(1.5).unwrap()), [Some(0)]);
        assert_eq!(choices(&one, at.with_cost_per_mb(2.5).unwrap()), [None], "its bytes cost more than it gains");
    }
}
