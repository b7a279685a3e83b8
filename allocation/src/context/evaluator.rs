//! The weights now.

use std::time::Duration;

use super::condition::DrivingContext;
use super::recent::Recent;
use super::rules::Rules;
use crate::problem::MAX_WEIGHT;

/// A factor from agreement changes by at least this much, or not at all: each result moves the mean a little.
const LEAST_STEP: f64 = 0.1;

/// Follows the context and says what each service counts. Does not allocate after it was made.
///
/// ```
/// use allocation::context::{Condition, DrivingContext, Evaluator, Rule, Rules, Timing, TurnSignal};
/// use std::time::Duration;
/// let turning = Condition { turn_signal: Some(TurnSignal::Left), ..Condition::default() };
/// let rule = Rule { name: "turning left".to_owned(), when: turning, weights: vec![(1, 3.0)] };
/// let timing = Timing { hold: Duration::from_secs(2), disagreement_gain: 0.0 };
/// let mut evaluator = Evaluator::new(Rules::new(vec![2.0, 1.0], vec![rule], vec![], timing)?);
/// let left = DrivingContext { turn_signal: Some(TurnSignal::Left), ..DrivingContext::default() };
/// assert!(evaluator.evaluate(Duration::ZERO, &left, &[]));
/// assert_eq!(evaluator.weights(), [2.0, 3.0]);
/// let off = DrivingContext::default();
/// assert!(!evaluator.evaluate(Duration::from_secs(1), &off, &[]), "held");
/// assert!(evaluator.evaluate(Duration::from_secs(3), &off, &[]));
/// assert_eq!(evaluator.weights(), [2.0, 1.0]);
/// # Ok::<(), allocation::context::RuleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Evaluator {
    rules: Rules,
    /// When each rule's condition last held.
    held_at: Vec<Option<Duration>>,
    active: u64,
    /// What agreement makes of each service's weight.
    factors: Vec<f64>,
    weights: Vec<f64>,
}

impl Evaluator {
    /// Every service at its own weight.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        let services = rules.own_weights.len();
        Self {
            held_at: vec![None; rules.rules.len()],
            active: 0,
            factors: vec![1.0; services],
            weights: rules.own_weights.clone(),
            rules,
        }
    }

    /// Looks at what is known at `now`, which does not go back; `recent` has an entry per service. Whether any weight
    /// or the set of active rules has changed.
    pub fn evaluate(&mut self, now: Duration, context: &DrivingContext, recent: &[Recent]) -> bool {
        let before = self.active;
        self.active = 0;
        for ((rule, held_at), bit) in self.rules.rules.iter().zip(&mut self.held_at).zip(0_u32..) {
            if rule.when.holds(now, context, recent) {
                *held_at = Some(now);
            }
            let hold = self.rules.timing.hold;
            let active = held_at.is_some_and(|held| held == now || now.saturating_sub(held) < hold);
            self.active |= u64::from(active) << bit;
        }
        let mut changed = self.active != before;
        for (service, factor) in self.factors.iter_mut().enumerate() {
            let agreement = recent.get(service).and_then(|recent| recent.agreement(now));
            let wanted =
                agreement.map_or(1.0, |agreement| 1.0 + self.rules.timing.disagreement_gain * (1.0 - agreement));
            if (wanted - *factor).abs() >= LEAST_STEP || agreement.is_none() {
                *factor = wanted;
            }
        }
        for (service, (weight, factor)) in self.weights.iter_mut().zip(&self.factors).enumerate() {
            let own = self.rules.own_weights.get(service).copied().unwrap_or(0.0);
            let wanted = (Self::greatest(&self.rules, self.active, service).unwrap_or(own) * factor).min(MAX_WEIGHT);
            changed |= wanted != *weight;
            *weight = wanted;
        }
        changed
    }

    /// The greatest weight that an active rule gives to `service`.
    fn greatest(rules: &Rules, active: u64, service: usize) -> Option<f64> {
        let rules = rules.rules.iter().zip(0_u32..).filter(|(_, bit)| active >> bit & 1 == 1);
        let weights = rules.flat_map(|(rule, _)| &rule.weights).filter(|(named, _)| *named == service);
        weights.map(|(_, weight)| *weight).reduce(f64::max)
    }

    /// What each service counts, 0 to [`MAX_WEIGHT`], in their order.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// What recent results make of each service's weight, 1 and more.
    #[must_use]
    pub fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// Which rules are active, a bit for each in their order, the first the lowest.
    #[must_use]
    pub const fn active(&self) -> u64 {
        self.active
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }
}
