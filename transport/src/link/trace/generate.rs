//! The trace that ships: a drive through a cellular network, generated from a seed.

use std::time::Duration;

use super::{Corner, Trace};
use crate::link::rng::Rng;

/// Length of one step of constant rate.
const STEP_NS: u64 = 20_000_000;

/// How strongly a step's log-rate keeps to the step before; at 20 ms a step the memory is about 0.4 s.
const MEMORY: f64 = 0.95;

/// One regime of the radio channel.
#[derive(Clone, Copy)]
struct Regime {
    /// Median rate, as a multiple of the good regime's.
    level: f64,
    /// Standard deviation of the logarithm of the rate within the regime.
    spread: f64,
    /// Mean stay, in steps.
    mean_steps: f64,
}

const GOOD: Regime = Regime { level: 1.0, spread: 0.22, mean_steps: 250.0 };
const FAIR: Regime = Regime { level: 0.5, spread: 0.30, mean_steps: 150.0 };
const FADE: Regime = Regime { level: 0.06, spread: 0.45, mean_steps: 60.0 };

/// A fade is never deeper than this multiple of the good regime's median; only a handover is silent.
const FLOOR: f64 = 0.02;

/// Chance that leaving a fade is a handover to another cell, which is silent for 2 to 8 steps.
const HANDOVER: f64 = 0.4;

impl Trace {
    /// A generated cellular uplink of about `duration`, scaled to a mean of `mean_bps` bit/s; the same for the same
    /// seed.
    ///
    /// The logarithm of the rate is a first-order autoregressive process in steps of 20 ms,
    /// `x' = ln(level) + 0.95 (x − ln(level)) + spread √(1 − 0.95²) n` with `n` standard normal, whose level and spread
    /// follow a Markov chain of three regimes with geometrically distributed stays: good (5 s), fair (3 s) and fade
    /// (1.2 s). From good it goes to fair; from fair to good or to fade, evenly; from a fade to fair, and in 40 % of the
    /// cases through a handover gap of 40 to 160 ms in which nothing passes. Regime lengths and depths are of the
    /// order seen in drives through LTE (Winstein et al., NSDI 2013), not fitted to one of them. With a mean of
    /// 18 Mbit/s the good regime is near 25 Mbit/s and fades dip to 1–3 Mbit/s.
    #[must_use]
    pub fn generated(seed: u64, duration: Duration, mean_bps: u64) -> Self {
        let steps = (duration.as_nanos() / u128::from(STEP_NS)).clamp(1, 10_000_000) as usize;
        let rates = relative_rates(&mut Rng::new(seed), steps);
        let total: f64 = rates.iter().sum();
        let bits_in_all = mean_bps as f64 * steps as f64 * (STEP_NS as f64 * 1e-9);
        let mut sum = 0.0;
        let corners = rates.iter().zip(1_u64..).map(|(rate, step)| {
            sum += rate;
            Corner { at_ns: step * STEP_NS, bits: (bits_in_all * (sum / total)).round() as u64 }
        });
        let name = format!("generated cellular, seed {seed}, mean {:.1} Mbit/s", mean_bps as f64 * 1e-6);
        Self::from_corners(&name, corners.collect()).unwrap_or_else(|| Self::fixed(mean_bps))
    }
}

fn relative_rates(rng: &mut Rng, steps: usize) -> Vec<f64> {
    let innovation = (1.0 - MEMORY * MEMORY).sqrt();
    let (mut regime, mut log_rate, mut gap) = (0_u8, 0.0_f64, 0_u64);
    let mut rates = Vec::with_capacity(steps);
    for _ in 0..steps {
        let Regime { level, spread, mean_steps } = match regime {
            0 => GOOD,
            1 => FAIR,
            _ => FADE,
        };
        let median = level.ln();
        log_rate = median + MEMORY * (log_rate - median) + spread * innovation * rng.normal();
        let silent = gap > 0;
        gap = gap.saturating_sub(1);
        rates.push(if silent { 0.0 } else { log_rate.exp().max(FLOOR) });
        if rng.unit() * mean_steps < 1.0 {
            regime = match regime {
                0 => 1,
                1 => 2 * u8::from(rng.unit() < 0.5),
                _ => {
                    if rng.unit() < HANDOVER {
                        gap = 2 + rng.below(7);
                    }
                    1
                }
            };
        }
    }
    // A trace that begins within a handover and ends there would carry nothing at all.
    if let Some(first) = rates.first_mut() {
        *first = first.max(FLOOR);
    }
    rates
}
