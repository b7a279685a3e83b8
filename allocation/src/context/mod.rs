//! What the driving context makes of the services' weights: at a crossing the side cameras count more.
//!
//! - [`Condition`]: what has to be known of the drive for a rule to apply ([`DrivingContext`])
//! - [`Rules`]: conditions and the weights that follow, checked when they are made
//! - [`Recent`]: what a service's last results were worth, and how long ago it last detected anything
//! - [`Evaluator`]: the weights now, with hold times, so that they do not flap
//!
//! How rules combine: of all rules that are active and name a service, the greatest weight counts; where none does, the
//! service's own. So the order of the rules means nothing, and where two disagree, more attention wins. A rule is active
//! from the moment its condition holds until the condition has not held for the hold time. What recent results say
//! multiplies the weight: a service whose cloud results agree with the vehicle's own gains little from the uplink.
//!
//! Nothing unsafe can be said: a weight is 0 to [`crate::problem::MAX_WEIGHT`] whatever comes in, what is unknown or NaN
//! makes no condition hold, and the on-vehicle detector is no part of any of this: it runs at weight 0 too.

mod condition;
mod evaluator;
mod recent;
mod rules;

pub use condition::{
    Condition, DrivingContext, MAX_SPEED_MPS, MAX_STEERING_DEG, ParseTurnSignalError, Range, Tags, TurnSignal,
};
pub use evaluator::Evaluator;
pub use recent::{FrameResult, Recent};
pub use rules::{MOST_RULES, MOST_TAGS, Rule, RuleError, Rules, Timing};

#[cfg(test)]
mod tests;
