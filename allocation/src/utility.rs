//! A service's utility over its uplink rate: the staircase of the best choice that fits.

use crate::feasibility::{cloud_seconds_per_s, required_bps};
use crate::problem::{Capacity, ServiceProblem};

/// One step of the staircase: from `from_bps` on, `choice` is the best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The rate in bit/s at which the step begins.
    pub from_bps: f64,
    /// Expected accuracy from there on, 0..=1.
    pub accuracy: f64,
    /// Index in the menu; `None` on the first step, the on-vehicle detector.
    pub choice: Option<usize>,
}

/// The best choice at `rate_bps` alone: the most accurate that keeps the deadline and is better than the on-vehicle
/// detector; of equals the one that needs the lower rate, then the lower index. `None` is the on-vehicle detector.
#[must_use]
pub fn best_at(service: &ServiceProblem, capacity: &Capacity, rate_bps: f64, cloud_share: f64) -> Option<usize> {
    let demand = service.demand();
    let mut best: Option<(usize, f64, f64)> = None;
    for (index, choice) in service.menu.choices().iter().enumerate() {
        let Some(needed) = required_bps(choice, &demand, capacity) else { continue };
        let fits = needed <= rate_bps && cloud_seconds_per_s(choice, &demand) <= cloud_share;
        let (accuracy, rate) = best.map_or((demand.floor_accuracy, 0.0), |(_, accuracy, rate)| (accuracy, rate));
        if fits && (choice.accuracy() > accuracy || (choice.accuracy() == accuracy && needed < rate)) {
            best = Some((index, choice.accuracy(), needed));
        }
    }
    best.map(|(index, ..)| index)
}

/// Expected accuracy of `service` at `rate_bps`; never below the on-vehicle detector's. The cloud's limit is left out.
#[must_use]
pub fn utility_at(service: &ServiceProblem, capacity: &Capacity, rate_bps: f64) -> f64 {
    best_at(service, capacity, rate_bps, f64::INFINITY)
        .and_then(|index| service.menu.get(index))
        .map_or(service.demand().floor_accuracy, |choice| choice.accuracy())
}

/// The whole staircase, from the on-vehicle detector at 0 bit/s upwards: rates and accuracies both rise strictly.
///
/// Allocates; it is for reports, plots and tests, not for the allocator's loop.
#[must_use]
pub fn staircase(service: &ServiceProblem, capacity: &Capacity) -> Vec<Step> {
    let demand = service.demand();
    let mut open: Vec<Step> = Vec::with_capacity(service.menu.choices().len());
    for (index, choice) in service.menu.choices().iter().enumerate() {
        if let Some(from_bps) = required_bps(choice, &demand, capacity) {
            open.push(Step { from_bps, accuracy: choice.accuracy(), choice: Some(index) });
        }
    }
    // Stable, so that of equals the lower index comes first; at one rate the most accurate leads.
    open.sort_by(|a, b| a.from_bps.total_cmp(&b.from_bps).then(b.accuracy.total_cmp(&a.accuracy)));
    let mut steps = vec![Step { from_bps: 0.0, accuracy: demand.floor_accuracy, choice: None }];
    for step in open {
        if steps.last().is_none_or(|last| step.accuracy > last.accuracy) {
            steps.push(step);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Choice, Costs};
    use crate::menu::Menu;
    use crate::problem::Demand;
    use proptest::prelude::*;

    fn service(entries: &[(f64, f64, f64)]) -> ServiceProblem {
        let choices = entries
            .iter()
            .enumerate()
            .map(|(index, &(bits, execution_s, accuracy))| {
                let costs = Costs { payload_bits: bits, mean_bits: bits, encode_s: 0.0, execution_s };
                let config = format!("m{index}-imgcomp50-inpcompNone").parse().unwrap();
                Choice::new(config, costs, accuracy).unwrap()
            })
            .collect();
        let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 5.0, margin_s: 0.01, floor_accuracy: 0.3 };
        ServiceProblem::new(demand, Menu::new(choices).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn the_staircase_rises_and_agrees_with_the_point_query(
            entries in prop::collection::vec((1e3..1e7f64, 0.0..0.25f64, 0.0..1.0f64), 1..12),
            rtt_s in 0.0..0.1f64,
            probe in 0.0..2e8f64,
        ) {
            let service = service(&entries);
            let capacity = Capacity::new(1e9, rtt_s).unwrap();
            let steps = staircase(&service, &capacity);
            for (low, high) in steps.iter().zip(steps.iter().skip(1)) {
                prop_assert!(high.from_bps > low.from_bps && high.accuracy > low.accuracy);
            }
            let at = steps.iter().rfind(|step| step.from_bps <= probe).unwrap();
            prop_assert_eq!(utility_at(&service, &capacity, probe), at.accuracy);
            prop_assert_eq!(best_at(&service, &capacity, probe, f64::INFINITY), at.choice);
        }
    }

    #[test]
    fn a_cloud_that_cannot_serve_is_not_chosen() {
        let service = service(&[(1e5, 0.1, 0.9), (1e5, 0.02, 0.5)]);
        let capacity = Capacity::new(1e9, 0.02).unwrap();
        assert_eq!(best_at(&service, &capacity, 1e9, 0.5), Some(0));
        assert_eq!(best_at(&service, &capacity, 1e9, 0.4), Some(1));
        assert_eq!(best_at(&service, &capacity, 1e9, 0.0), None);
    }
}
