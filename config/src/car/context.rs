//! What the driving context makes of the services' weights.

use std::time::Duration;

use allocation::context::{
    Condition, MAX_SPEED_MPS, MAX_STEERING_DEG, MOST_RULES, MOST_TAGS, Range, Rule, RuleError, Rules, Tags, Timing,
    TurnSignal,
};
use garde::Validate;
use serde::{Deserialize, Serialize};

use super::ServiceConfig;
use super::per_service::{PerService, Seconds, Weight};
use crate::limits::{one_line, within};
use crate::text;
use crate::unique::{Keyed, Unique};

/// The services that rules may name.
type Services = Unique<ServiceConfig>;

/// The `context` block. Without it every service keeps its own weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Services))]
pub struct ContextConfig {
    /// A rule stays active for so long after its condition last held, 0.1 to 60 s. Default 2.
    #[serde(default = "two")]
    #[garde(custom(within(0.1, 60.0, "s")))]
    pub hold_s: f64,
    /// What was said of the drive is forgotten after so long, 0.1 to 3600 s. Default 10.
    #[serde(default = "ten")]
    #[garde(custom(within(0.1, 3600.0, "s")))]
    pub max_age_s: f64,
    /// Over how long recent results count, 0.5 to 60 s. Default 5.
    #[serde(default = "five")]
    #[garde(custom(within(0.5, 60.0, "s")))]
    pub recent_s: f64,
    /// How much disagreement between cloud and vehicle raises a weight: by 1 + gain × (1 − agreement), 0 to 10.
    /// Default 0, not at all.
    #[serde(default)]
    #[garde(custom(within(0.0, 10.0, "")))]
    pub disagreement_gain: f64,
    /// The rules, each with a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(not_too_many), dive)]
    pub rules: Option<Unique<RuleConfig>>,
}

/// An entry of `context.rules`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Services))]
pub struct RuleConfig {
    /// What logs call it; different from every other rule's.
    #[garde(custom(one_line))]
    pub name: String,
    /// When it applies: all that is stated has to hold.
    #[garde(custom(asks_for_something), dive)]
    pub when: When,
    /// Services by name, and how much each counts while the rule applies, 0 to 1000; of several rules the greatest.
    #[garde(custom(names_some), dive)]
    pub weights: PerService<Weight>,
}

/// The `when` of a rule. What is unknown does not hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Services))]
pub struct When {
    /// Speed, 0 to 150 m/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_both(0.0, MAX_SPEED_MPS, "m/s")))]
    pub speed_mps: Option<Bounds>,
    /// Angle of the steering wheel, to the left positive (ISO 8855), -1080 to 1080 degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_both(-MAX_STEERING_DEG, MAX_STEERING_DEG, "degrees")))]
    pub steering_deg: Option<Bounds>,
    /// Turn signal: `off`, `left`, `right` or `hazard`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::if_given")]
    #[garde(skip)]
    pub turn_signal: Option<TurnSignal>,
    /// Tags of the scene that all have to be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(custom(tag_names))]
    pub tags: Vec<String>,
    /// Services by name that have detected nothing for at least so long, 0 to 3600 s.
    #[serde(default, skip_serializing_if = "PerService::is_empty")]
    #[garde(dive)]
    pub no_detection_for_s: PerService<Seconds>,
    /// Services by name that have detected something no longer ago than this, 0 to 3600 s.
    #[serde(default, skip_serializing_if = "PerService::is_empty")]
    #[garde(dive)]
    pub detected_within_s: PerService<Seconds>,
}

/// From `min` to `max`, each of which may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Keyed for RuleConfig {
    const KEY: &'static str = "name";

    fn key(&self) -> String {
        self.name.clone()
    }
}

impl ContextConfig {
    /// Leaves out what rules say of services that are not among `services`, and rules that are left without a weight.
    pub fn keep_only(&mut self, services: &[ServiceConfig]) {
        let Some(rules) = &self.rules else { return };
        let known = |name: &str| services.iter().any(|service| service.name == name);
        let kept = rules.iter().cloned().filter_map(|mut rule| {
            let asked = rule.when.no_detection_for_s.names().chain(rule.when.detected_within_s.names()).all(known);
            rule.weights.retain(known);
            (asked && !rule.weights.is_empty()).then_some(rule)
        });
        self.rules = Unique::if_any(kept.collect());
    }

    /// The rules in terms of the services' positions, as the allocator wants them.
    ///
    /// # Errors
    /// [`RuleError`], which a profile from a file never gives.
    pub fn rules(&self, services: &[ServiceConfig]) -> Result<Rules, RuleError> {
        let configured = self.rules.as_deref().unwrap_or_default();
        let mut tags: Vec<String> = Vec::new();
        for tag in configured.iter().flat_map(|rule| &rule.when.tags) {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        let range = |bounds: Bounds| Range {
            min: bounds.min.unwrap_or(f64::NEG_INFINITY),
            max: bounds.max.unwrap_or(f64::INFINITY),
        };
        let number = |tag: &String| tags.iter().position(|known| known == tag).unwrap_or(MOST_TAGS);
        let times = |times: &PerService<Seconds>| {
            times.by_index(services).map(|(index, time)| (index, Duration::from_secs_f64(time.0))).collect()
        };
        let rule = |rule: &RuleConfig| Rule {
            name: rule.name.clone(),
            when: Condition {
                speed_mps: rule.when.speed_mps.map(range),
                steering_deg: rule.when.steering_deg.map(range),
                turn_signal: rule.when.turn_signal,
                tags: rule.when.tags.iter().map(number).fold(Tags::default(), Tags::with),
                no_detection_for: times(&rule.when.no_detection_for_s),
                detected_within: times(&rule.when.detected_within_s),
            },
            weights: rule.weights.by_index(services).map(|(index, weight)| (index, weight.0)).collect(),
        };
        let timing = Timing { hold: Duration::from_secs_f64(self.hold_s), disagreement_gain: self.disagreement_gain };
        let own = services.iter().map(|service| service.weight).collect();
        Rules::new(own, configured.iter().map(rule).collect(), tags, timing)
    }
}

impl Default for ContextConfig {
    fn default() -> Self {
        Self { hold_s: two(), max_age_s: ten(), recent_s: five(), disagreement_gain: 0.0, rules: None }
    }
}

fn not_too_many(rules: &Option<Unique<RuleConfig>>, _: &Services) -> garde::Result {
    let Some(rules) = rules else { return Ok(()) };
    let mut tags: Vec<&String> = rules.iter().flat_map(|rule| &rule.when.tags).collect();
    tags.sort_unstable();
    tags.dedup();
    for (what, found, most) in [("entries", rules.len(), MOST_RULES), ("different tags", tags.len(), MOST_TAGS)] {
        if found > most {
            return Err(garde::Error::new(format!("has {found} {what}; expected at most {most}")));
        }
    }
    Ok(())
}

fn asks_for_something(when: &When, _: &Services) -> garde::Result {
    if *when == When::default() {
        let keys = "speed_mps, steering_deg, turn_signal, tags, no_detection_for_s, detected_within_s";
        return Err(garde::Error::new(format!("asks for nothing and would always apply; expected one of {keys}")));
    }
    Ok(())
}

fn names_some(weights: &PerService<Weight>, _: &Services) -> garde::Result {
    if weights.is_empty() {
        return Err(garde::Error::new("is empty; expected a service and its weight, such as left: 3"));
    }
    Ok(())
}

fn within_both(min: f64, max: f64, unit: &'static str) -> impl Fn(&Option<Bounds>, &Services) -> garde::Result {
    move |bounds, context| {
        let Some(bounds) = bounds else { return Ok(()) };
        for (key, value) in [("min", bounds.min), ("max", bounds.max)] {
            if let Some(value) = value {
                within(min, max, unit)(&value, context)
                    .map_err(|error| garde::Error::new(format!("has a {key} that {}", error.message())))?;
            }
        }
        match (bounds.min, bounds.max) {
            (None, None) => Err(garde::Error::new("has neither min nor max; expected one of them or both")),
            (Some(min), Some(max)) if min > max => {
                Err(garde::Error::new(format!("has min {min} above max {max}; expected min <= max")))
            }
            _ => Ok(()),
        }
    }
}

fn tag_names(tags: &[String], _: &Services) -> garde::Result {
    let plain = |tag: &String| {
        (1..=40).contains(&tag.len())
            && tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    // What the control socket takes for no tag at all, and for tags that are not known.
    if let Some(word) = tags.iter().find(|tag| ["none", "unknown"].contains(&tag.as_str())) {
        return Err(garde::Error::new(format!("has {word:?}, which means no tag; expected another word")));
    }
    match tags.iter().find(|tag| !plain(tag)) {
        Some(tag) => Err(garde::Error::new(format!(
            "has {tag:?}; expected names of 1 to 40 small letters, digits and _, such as crossing"
        ))),
        None => Ok(()),
    }
}

fn two() -> f64 {
    2.0
}

fn five() -> f64 {
    5.0
}

fn ten() -> f64 {
    10.0
}
