//! Log type 6: what the allocator gave, and what it expected of it.

use std::collections::BTreeMap;

use super::queries::{bump, merge_counts};
use super::{Bins, Times};
use crate::logs::services_of_allocation;
use crate::part::{PartProblem, Table};

/// Of a row without one after it nobody knows how long it held; it counts this much where it is alone in its part.
const LONE_SECS: f64 = 1.0;

/// All allocations, each weighed by the time it held.
#[derive(Clone, Debug, Default)]
pub struct AllocationStats {
    /// How many.
    pub count: u64,
    /// Time the solver took.
    pub solve_time: Times,
    /// Allocations by policy.
    pub policies: BTreeMap<String, u64>,
    /// Bytes per second of each service times the seconds it had them.
    pub services: BTreeMap<u16, f64>,
    /// Over time from the run's start, each quantity times the seconds it held: the seconds themselves, what was
    /// allocated and what was available (bytes/s), the utility expected and that of the vehicle alone.
    pub series: Bins<5>,
}

impl AllocationStats {
    /// Adds a part.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table) -> Result<(), PartProblem> {
        let at = table.need_floats("instant_timestamp")?;
        let expected = table.need_floats("expected_utility")?;
        let held = held_secs(&at);
        let numbers = services_of_allocation(table.names());
        let mut allocated = vec![0.0; at.len()];
        for service in numbers {
            let Some(shares) = table.floats(&format!("allocation_service{service}")) else { continue };
            let sum = self.services.entry(service).or_default();
            for ((total, share), held) in allocated.iter_mut().zip(shares).zip(&held) {
                let share = if share.is_finite() { share } else { 0.0 };
                *total += share;
                *sum += share * held;
            }
        }
        let available = table.floats("available").unwrap_or_default();
        let alone = table.floats("on_vehicle_utility").unwrap_or_default();
        for (row, (((at, expected), allocated), held)) in at.iter().zip(expected).zip(allocated).zip(held).enumerate() {
            let cell = |cells: &[f64]| cells.get(row).copied().filter(|value| value.is_finite()).unwrap_or(0.0) * held;
            let values = [held, allocated * held, cell(&available), expected * held, cell(&alone)];
            self.series.add(*at, values);
        }
        self.count += table.rows() as u64;
        table.floats("solve_time").into_iter().flatten().for_each(|secs| self.solve_time.add(secs));
        table.texts("policy").into_iter().flatten().for_each(|policy| bump(&mut self.policies, policy, 1));
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.solve_time.merge(&other.solve_time);
        merge_counts(&mut self.policies, other.policies.clone());
        for (service, sum) in &other.services {
            *self.services.entry(*service).or_default() += sum;
        }
        self.series.merge(&other.series);
    }
}

/// How long each row held: until the next one, and the part's last as long as those before it on average.
fn held_secs(at: &[f64]) -> Vec<f64> {
    let mut held: Vec<f64> = at.iter().zip(at.iter().skip(1)).map(|(now, next)| (next - now).max(0.0)).collect();
    let mean = held.iter().sum::<f64>() / held.len() as f64;
    held.push(if mean.is_finite() { mean } else { LONE_SECS });
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_until_the_next() {
        assert_eq!(held_secs(&[1.0, 2.0, 5.0]), [1.0, 3.0, 2.0]);
        assert_eq!(held_secs(&[7.0]), [LONE_SECS]);
    }
}
