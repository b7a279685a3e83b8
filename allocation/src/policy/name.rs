//! How policies are named on the command line, in profiles and in logs.

use std::fmt;
use std::str::FromStr;

use super::{Baseline, Policy, Prototype, Turbo};
use crate::model_config::{ModelConfig, ParseModelConfigError};
use crate::problem::ServiceProblem;
use crate::quantity::InvalidQuantity;

pub(crate) const TURBO: &str = "turbo";
pub(crate) const PROTOTYPE: &str = "prototype";
pub(crate) const ORACLE: &str = "oracle";
pub(crate) const ON_VEHICLE: &str = "on-vehicle";
pub(crate) const EQUAL_SPLIT: &str = "equal-split";
pub(crate) const FIXED: &str = "fixed";

/// A policy by name; parses from and prints as `turbo`, `prototype`, `on-vehicle`, `equal-split`, `oracle` or
/// `fixed:<config>`.
///
/// ```
/// use allocation::policy::PolicyName;
/// let name: PolicyName = "fixed:edd4-imgcompNone-inpcomp50".parse()?;
/// assert_eq!(name.to_string(), "fixed:edd4-imgcompNone-inpcomp50");
/// assert!("best".parse::<PolicyName>().unwrap_err().to_string().contains("equal-split"));
/// # Ok::<(), allocation::policy::ParsePolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PolicyName {
    /// The exact optimum.
    Turbo,
    /// The optimum of point estimates, every 500 ms.
    Prototype,
    /// Nothing is ever sent.
    OnVehicle,
    /// Every service has the same share and makes the best of it.
    EqualSplit,
    /// Every service always sends this configuration.
    Fixed(ModelConfig),
    /// Knows the trace and every frame beforehand; only a simulation can ask it, see [`crate::simulate`].
    Oracle,
}

/// Why a text does not name a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePolicyError {
    /// No policy has this name.
    #[error(
        "{0:?} is not a policy; expected turbo, prototype, on-vehicle, equal-split, oracle or fixed:<config>, such as fixed:edd4-imgcompNone-inpcomp50"
    )]
    Unknown(String),
    /// What follows `fixed:` is not a configuration.
    #[error("policy {policy:?}: {source}")]
    Config {
        /// The whole text.
        policy: String,
        /// What is wrong with the configuration.
        source: ParseModelConfigError,
    },
}

/// A `fixed:` policy names a configuration that no service has on its menu.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy fixed:{config} names a configuration that is on no service's menu; the menus have {available}")]
pub struct UnknownFixedConfig {
    /// The configuration.
    pub config: ModelConfig,
    /// What the menus have, in order, separated by commas.
    pub available: String,
}

/// Why a policy cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BuildPolicyError {
    /// A number that is out of its range.
    #[error(transparent)]
    Quantity(#[from] InvalidQuantity),
    /// No one on the road knows what comes.
    #[error("policy oracle knows the trace beforehand, which only `turbo simulate` can tell it; choose another")]
    Foresight,
}

impl PolicyName {
    /// Whether the policy can do anything with these menus.
    ///
    /// # Errors
    /// [`UnknownFixedConfig`] where a fixed configuration is on none of them, with those that are.
    pub fn check(&self, services: &[ServiceProblem]) -> Result<(), UnknownFixedConfig> {
        let Self::Fixed(config) = self else { return Ok(()) };
        if services.iter().any(|service| service.menu.position(config).is_some()) {
            return Ok(());
        }
        let mut available: Vec<String> = Vec::new();
        for choice in services.iter().flat_map(|service| service.menu.choices()) {
            let text = choice.config().to_string();
            if !available.contains(&text) {
                available.push(text);
            }
        }
        let available = if available.is_empty() { "none".to_owned() } else { available.join(", ") };
        Err(UnknownFixedConfig { config: config.clone(), available })
    }

    /// The policy, for problems of at most this size. `hysteresis` (0..=1, in accuracy) is for `turbo` alone.
    ///
    /// # Errors
    /// [`BuildPolicyError`] where the hysteresis is NaN or outside 0..=1, and for `oracle`, which has no future to know.
    pub fn build(
        &self,
        max_services: usize,
        max_choices: usize,
        hysteresis: f64,
    ) -> Result<Box<dyn Policy>, BuildPolicyError> {
        Ok(match self {
            Self::Turbo => Box::new(Turbo::new(max_services, max_choices, hysteresis)?),
            Self::Prototype => Box::new(Prototype::new(max_services, max_choices)),
            Self::OnVehicle => Box::new(Baseline::OnVehicle),
            Self::EqualSplit => Box::new(Baseline::EqualSplit),
            Self::Fixed(config) => Box::new(Baseline::Fixed(config.clone())),
            Self::Oracle => return Err(BuildPolicyError::Foresight),
        })
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turbo => f.write_str(TURBO),
            Self::Prototype => f.write_str(PROTOTYPE),
            Self::Oracle => f.write_str(ORACLE),
            Self::OnVehicle => f.write_str(ON_VEHICLE),
            Self::EqualSplit => f.write_str(EQUAL_SPLIT),
            Self::Fixed(config) => write!(f, "{FIXED}:{config}"),
        }
    }
}

impl FromStr for PolicyName {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            TURBO => Ok(Self::Turbo),
            PROTOTYPE => Ok(Self::Prototype),
            ORACLE => Ok(Self::Oracle),
            ON_VEHICLE => Ok(Self::OnVehicle),
            EQUAL_SPLIT => Ok(Self::EqualSplit),
            _ => match text.strip_prefix(FIXED).and_then(|rest| rest.strip_prefix(':')) {
                Some(config) => config
                    .parse()
                    .map(Self::Fixed)
                    .map_err(|source| ParsePolicyError::Config { policy: text.to_owned(), source }),
                None => Err(ParsePolicyError::Unknown(text.to_owned())),
            },
        }
    }
}
