//! What the allocator expected against what was delivered.

use serde::Serialize;

use crate::analysis::{Analysis, Bins, SERIES};

/// Means over the time of the run, in the allocator's unit: the weighted sum of the services' utilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Utility {
    /// Of what was allocated.
    pub expected: f64,
    /// Of what came of it: an estimate, as no log has the utility of a single frame.
    pub delivered: f64,
    /// Of the on-vehicle detector alone.
    pub on_vehicle: f64,
}

impl Utility {
    pub(super) fn of(analysis: &Analysis) -> Option<Self> {
        let [held, _, _, expected, alone] = analysis.allocation.series.total();
        let mut frames = Bins::<SERIES>::default();
        analysis.queries.values().for_each(|stats| frames.merge(&stats.series));
        let [count, _, _, _, planned, from_cloud, failed] = frames.total();
        if held <= 0.0 || count <= 0.0 {
            return None;
        }
        let (expected, alone) = (expected / held, alone / held);
        let delivered = delivered(expected, alone, planned, from_cloud, failed, count);
        Some(Self { expected, delivered, on_vehicle: alone })
    }
}

/// The logs have no utility of a single frame, so what was delivered is taken between two that are known: the
/// vehicle's alone for every frame that had a result by its deadline, and of what the cloud was to add to it (expected
/// less alone) the share that came: frames with the cloud's result on time, of those for which the allocation wanted
/// it. Services of different weight count alike.
pub(super) fn delivered(expected: f64, alone: f64, planned: f64, from_cloud: f64, failed: f64, frames: f64) -> f64 {
    let came = if planned > 0.0 { from_cloud / planned } else { 1.0 };
    alone * (1.0 - failed / frames) + (expected - alone) * came
}

#[cfg(test)]
mod tests {
    use super::delivered;

    #[test]
    fn all_that_was_planned_is_what_was_expected_and_nothing_is_nothing() {
        assert_eq!(delivered(3.0, 1.0, 10.0, 10.0, 0.0, 10.0), 3.0);
        assert_eq!(delivered(3.0, 1.0, 10.0, 0.0, 0.0, 10.0), 1.0);
        assert_eq!(delivered(3.0, 1.0, 10.0, 0.0, 10.0, 10.0), 0.0);
        assert_eq!(delivered(1.0, 1.0, 0.0, 0.0, 0.0, 10.0), 1.0);
    }
}
