//! The tables a person reads: the policies side by side, and what turbo gains per bandwidth and round trip.

use std::fmt::Write as _;

use allocation::policy::PolicyName;

use super::compare::{cells, gain};
use crate::simulate::Run;

/// The mean over some runs.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { f64::NAN }
    }
}

/// In tenths, where nothing is not less than nothing.
fn percent(share: f64) -> f64 {
    (share * 1e3).round() / 10.0 + 0.0
}

/// All tables.
#[must_use]
pub fn tables(runs: &[Run]) -> String {
    let mut text = policies(runs);
    if let Some(gains) = gains(runs) {
        text.push('\n');
        text.push_str(&gains);
    }
    text
}

/// One line per policy, over the whole grid.
fn policies(runs: &[Run]) -> String {
    let mut names: Vec<&PolicyName> = Vec::new();
    for run in runs {
        if !names.contains(&&run.policy) {
            names.push(&run.policy);
        }
    }
    let width = names.iter().map(|name| name.to_string().len()).max().unwrap_or(0).max(6);
    let mut text = format!(
        "{:<width$}  {:>8}  {:>8}  {:>13}  {:>9}  {:>12}\n",
        "policy", "utility", "on time", "switches/min", "of oracle", "on vehicle +"
    );
    for name in names {
        let (mut utility, mut on_time, mut switches) = (Mean::default(), Mean::default(), Mean::default());
        let (mut of_oracle, mut over_vehicle) = (Mean::default(), Mean::default());
        for (cell, beside) in cells(runs) {
            for run in cell.iter().filter(|run| run.policy == *name) {
                utility.add(run.outcome.utility);
                on_time.add(run.outcome.on_time());
                switches.add(run.outcome.switches as f64 / (run.outcome.seconds.len().max(1) as f64 / 60.0));
                over_vehicle.add(gain(run.outcome.utility, run.outcome.on_vehicle_utility));
                if let Some(oracle) = beside.oracle {
                    of_oracle.add(run.outcome.utility / oracle);
                }
            }
        }
        let _ = writeln!(
            text,
            "{:<width$}  {:>8.4}  {:>7.1}%  {:>13.1}  {:>8.1}%  {:>11.1}%",
            name.to_string(),
            utility.value(),
            percent(on_time.value()),
            switches.value(),
            percent(of_oracle.value()),
            percent(over_vehicle.value())
        );
    }
    text
}

/// Turbo's gain over on-vehicle only and over single configurations, per bandwidth and round trip: over the one that is
/// best for the whole row, and over the one that is best in each cell, which only hindsight knows.
fn gains(runs: &[Run]) -> Option<String> {
    let mut keys: Vec<(u64, u64)> = Vec::new();
    let key = |run: &Run| ((run.mean_mbps * 1e3).round() as u64, run.rtt.as_micros() as u64);
    for run in runs.iter().filter(|run| run.policy == PolicyName::Turbo) {
        if !keys.contains(&key(run)) {
            keys.push(key(run));
        }
    }
    if keys.is_empty() {
        return None;
    }
    keys.sort_unstable();
    let mut text = format!(
        "{:>8}  {:>6}  {:>8}  {:>15}  {:>15}  {:>14}  {:>9}  best single configuration\n",
        "Mbit/s", "RTT ms", "turbo", "over on-vehicle", "over one config", "over each best", "of oracle"
    );
    for (kbps, rtt_us) in keys {
        let row: Vec<&Run> = runs.iter().filter(|run| key(run) == (kbps, rtt_us)).collect();
        let (mut utility, mut vehicle) = (Mean::default(), Mean::default());
        let (mut each, mut oracle) = (Mean::default(), Mean::default());
        for (cell, beside) in cells(runs) {
            for run in cell.iter().filter(|run| run.policy == PolicyName::Turbo && key(run) == (kbps, rtt_us)) {
                utility.add(run.outcome.utility);
                vehicle.add(gain(run.outcome.utility, run.outcome.on_vehicle_utility));
                beside.best_single.into_iter().for_each(|best| each.add(gain(run.outcome.utility, best)));
                beside.oracle.into_iter().for_each(|best| oracle.add(run.outcome.utility / best));
            }
        }
        let (name, one) = best_of_row(&row).unwrap_or_default();
        let _ = writeln!(
            text,
            "{:>8.1}  {:>6.0}  {:>8.4}  {:>+14.1}%  {:>+14.1}%  {:>+13.1}%  {:>8.1}%  {name}",
            kbps as f64 / 1e3,
            rtt_us as f64 / 1e3,
            utility.value(),
            percent(vehicle.value()),
            percent(gain(utility.value(), one)),
            percent(each.value()),
            percent(oracle.value())
        );
    }
    Some(text)
}

/// The single configuration of the highest mean utility over the runs of a row, and that; `None` where none was run.
fn best_of_row(row: &[&Run]) -> Option<(String, f64)> {
    let mut means: Vec<(&PolicyName, Mean)> = Vec::new();
    for run in row.iter().filter(|run| matches!(run.policy, PolicyName::Fixed(_))) {
        match means.iter_mut().find(|(policy, _)| *policy == &run.policy) {
            Some((_, mean)) => mean.add(run.outcome.utility),
            None => {
                let mut mean = Mean::default();
                mean.add(run.outcome.utility);
                means.push((&run.policy, mean));
            }
        }
    }
    let best = means.into_iter().max_by(|a, b| a.1.value().total_cmp(&b.1.value()));
    best.map(|(policy, mean)| (policy.to_string(), mean.value()))
}
