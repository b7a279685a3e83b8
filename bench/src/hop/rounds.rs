//! Runs every pair in turns, round after round, so that a noisy minute hits all of them.

use super::{MESSAGE_BYTES, Pair, Plan, claims};
use crate::error::{BenchError, Result};
use crate::report::{Report, Row};
use crate::samples::{Quantiles, Summary};
use crate::seat::{Placement, Seats, usable_cores};

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Calls of a round.
    pub plan: Plan,
    /// Rounds of every pair.
    pub rounds: usize,
    /// Rounds of the pairs whose rounds take minutes.
    pub slow_rounds: usize,
    /// Placements, in order.
    pub placements: Vec<Placement>,
    /// Only pairs whose name contains this, where given.
    pub only: Option<String>,
}

/// Measures `pairs`; what cannot be had on this machine is left out, loudly.
///
/// # Errors
/// A pair that was there and failed: then its row would be missing for no good reason.
pub fn run(pairs: &[Box<dyn Pair>], options: &Options) -> Result<Report> {
    let cores = usable_cores();
    let wanted = |pair: &&dyn Pair| {
        options.only.as_ref().is_none_or(|only| pair.about().name.to_lowercase().contains(&only.to_lowercase()))
    };
    let pairs: Vec<&dyn Pair> = pairs.iter().map(AsRef::as_ref).filter(wanted).collect();
    if pairs.is_empty() {
        return Err(BenchError::Usage(format!("no peer's name contains {:?}", options.only)));
    }
    let mut report = Report::default();
    for &placement in &options.placements {
        match Seats::among(&cores, placement) {
            Some(seats) => in_turns(&pairs, options, placement, seats, &mut report)?,
            None => report.skip("every pair", placement, "this process may use one core only"),
        }
    }
    report.ratios = claims(&report.rows);
    Ok(report)
}

fn in_turns(
    pairs: &[&dyn Pair],
    options: &Options,
    placement: Placement,
    seats: Seats,
    report: &mut Report,
) -> Result<()> {
    let mut tables: Vec<Vec<Quantiles>> = vec![Vec::new(); pairs.len()];
    let mut skipped = vec![false; pairs.len()];
    for round in 0..options.rounds.max(options.slow_rounds) {
        for ((pair, table), skipped) in pairs.iter().zip(&mut tables).zip(&mut skipped) {
            let about = pair.about();
            let rounds = if about.slow { options.slow_rounds } else { options.rounds };
            if round >= rounds || *skipped {
                continue;
            }
            if about.never_yields && placement == Placement::SameCore {
                *skipped = true;
                report.skip(
                    about.name,
                    placement,
                    "an end that never gives its core away keeps the other from running",
                );
                continue;
            }
            match pair.round(&options.plan, seats) {
                Ok(mut samples) => {
                    let quantiles = Quantiles::of(&mut samples);
                    if let Some(quantiles) = quantiles {
                        eprintln!(
                            "{placement} round {}/{rounds}: {:<36} p50 {} ns",
                            round + 1,
                            about.name,
                            quantiles.p50_ns
                        );
                    }
                    table.extend(quantiles);
                }
                Err(BenchError::Python(reason)) => {
                    *skipped = true;
                    report.skip(about.name, placement, &reason);
                }
                Err(error) => {
                    return Err(BenchError::Library { what: about.name, reason: format!("{placement}: {error}") });
                }
            }
        }
    }
    for (pair, table) in pairs.iter().zip(&tables) {
        if let Some(summary) = Summary::of(table) {
            report.rows.push(Row::hop(pair.about(), placement, MESSAGE_BYTES, options.plan, summary));
        }
    }
    Ok(())
}
