//! The rules, checked when they are made: what follows from a condition, for which service.

use std::time::Duration;

use super::condition::Condition;
use crate::problem::MAX_WEIGHT;

/// Most rules of one car.
pub const MOST_RULES: usize = 64;
/// Most different tags.
pub const MOST_TAGS: usize = 64;

/// While `when` holds, each service of `weights` counts so much.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What logs call it.
    pub name: String,
    /// When it applies.
    pub when: Condition,
    /// Services by index and their weights, 0 to [`MAX_WEIGHT`].
    pub weights: Vec<(usize, f64)>,
}

/// How fast weights follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// A rule stays active for so long after its condition last held.
    pub hold: Duration,
    /// How much disagreement counts: a weight is multiplied by 1 + gain · (1 − agreement). 0 to 10; 0 switches it off.
    pub disagreement_gain: f64,
}

/// Rules that do not make sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// Too many of something.
    #[error("there are {found} {what}; expected at most {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// The most.
        most: usize,
    },
    /// A number out of its range.
    #[error("{what} is {value}; expected {expected}")]
    Quantity {
        /// Which.
        what: String,
        /// The number.
        value: f64,
        /// What would be right.
        expected: &'static str,
    },
    /// A service that is not there.
    #[error("rule {rule:?} names service number {service}; expected one below {services}")]
    Service {
        /// The rule.
        rule: String,
        /// The index it names.
        service: usize,
        /// How many services there are.
        services: usize,
    },
    /// It would always apply.
    #[error(
        "rule {0:?} asks for nothing and would always apply; expected a condition, or another weight of the service"
    )]
    Always(String),
}

/// The rules of one car.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub(super) own_weights: Vec<f64>,
    pub(super) rules: Vec<Rule>,
    pub(super) timing: Timing,
    tags: Vec<String>,
}

impl Rules {
    /// Rules over services whose own weights are `own_weights`, in their order; `tags` are the names that
    /// [`super::Tags`] numbers.
    ///
    /// # Errors
    /// [`RuleError`] names the first thing that is out of range.
    pub fn new(own_weights: Vec<f64>, rules: Vec<Rule>, tags: Vec<String>, timing: Timing) -> Result<Self, RuleError> {
        for (what, found, most) in [("rules", rules.len(), MOST_RULES), ("tags", tags.len(), MOST_TAGS)] {
            if found > most {
                return Err(RuleError::TooMany { what, found, most });
            }
        }
        let services = own_weights.len();
        let check = |what: String, value: f64, most: f64, expected: &'static str| {
            let fits = (0.0..=most).contains(&value);
            if fits { Ok(()) } else { Err(RuleError::Quantity { what, value, expected }) }
        };
        for (service, weight) in own_weights.iter().enumerate() {
            check(format!("the weight of service number {service}"), *weight, MAX_WEIGHT, "0 to 1000")?;
        }
        check("the gain of disagreement".to_owned(), timing.disagreement_gain, MAX_GAIN, "0 to 10")?;
        for rule in &rules {
            if rule.when.is_empty() {
                return Err(RuleError::Always(rule.name.clone()));
            }
            let conditions =
                rule.when.no_detection_for.iter().chain(&rule.when.detected_within).map(|(index, _)| index);
            for service in rule.weights.iter().map(|(service, _)| service).chain(conditions) {
                if *service >= services {
                    return Err(RuleError::Service { rule: rule.name.clone(), service: *service, services });
                }
            }
            for (service, weight) in &rule.weights {
                let what = || format!("the weight of service number {service} in rule {:?}", rule.name);
                check(what(), *weight, MAX_WEIGHT, "0 to 1000")?;
            }
        }
        Ok(Self { own_weights, rules, timing, tags })
    }

    /// No rules: every service keeps its own weight.
    ///
    /// # Errors
    /// [`RuleError`] where a weight is out of range.
    pub fn none(own_weights: Vec<f64>) -> Result<Self, RuleError> {
        Self::new(own_weights, Vec::new(), Vec::new(), Timing { hold: Duration::ZERO, disagreement_gain: 0.0 })
    }

    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The names of the tags, in the order of their numbers.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The number of the tag called `name`.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<usize> {
        self.tags.iter().position(|tag| tag == name)
    }
}

/// The largest gain of disagreement.
const MAX_GAIN: f64 = 10.0;
