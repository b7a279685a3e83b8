//! A run beside the others of its cell of the grid.

use allocation::policy::PolicyName;

use crate::simulate::Run;

/// What a run is compared with; each where it was run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {
    /// Utility of the clairvoyant.
    pub oracle: Option<f64>,
    /// Utility of the best single configuration.
    pub best_single: Option<f64>,
}

/// Whether two runs are of one cell: same trace, link and objective.
pub fn same_cell(a: &Run, b: &Run) -> bool {
    a.trace == b.trace && a.mean_mbps == b.mean_mbps && a.rtt == b.rtt && a.loss == b.loss && a.slo == b.slo
}

/// The cells of the grid, each with its runs.
pub fn cells(runs: &[Run]) -> impl Iterator<Item = (&[Run], Beside)> {
    runs.chunk_by(same_cell).map(|cell| {
        let utility = |wanted: fn(&PolicyName) -> bool| {
            cell.iter().filter(|run| wanted(&run.policy)).map(|run| run.outcome.utility).reduce(f64::max)
        };
        let oracle = utility(|policy| *policy == PolicyName::Oracle);
        (cell, Beside { oracle, best_single: utility(|policy| matches!(policy, PolicyName::Fixed(_))) })
    })
}

/// Utility gained over another, as a share of it.
pub fn gain(utility: f64, over: f64) -> f64 {
    let gain = if over > 0.0 { utility / over - 1.0 } else { 0.0 };
    // The same terms added in another order are no gain.
    if gain.abs() < 1e-12 { 0.0 } else { gain }
}
