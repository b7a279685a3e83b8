//! Values by the name of a service.

use std::collections::BTreeMap;

use garde::{Error, Path, Report, Validate};
use serde::{Deserialize, Serialize};

use super::ServiceConfig;
use crate::limits::within;
use crate::unique::Unique;

/// A value for each of some services; a name that no service has is refused where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerService<T>(BTreeMap<String, T>);

/// A weight, 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(pub f64);

/// A time, 0 to 3600 s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

/// A value with a range of its own.
pub trait Bounded {
    /// Whether it is in its range.
    ///
    /// # Errors
    /// The value and the range.
    fn check(&self) -> garde::Result;
}

impl Bounded for Weight {
    fn check(&self) -> garde::Result {
        within(0.0, allocation::problem::MAX_WEIGHT, "")(&self.0, &())
    }
}

impl Bounded for Seconds {
    fn check(&self) -> garde::Result {
        within(0.0, 3600.0, "s")(&self.0, &())
    }
}

impl<T> Default for PerService<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> PerService<T> {
    /// Whether no service is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The services named.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Each value with its service's position among `services`.
    pub fn by_index<'a>(&'a self, services: &'a [ServiceConfig]) -> impl Iterator<Item = (usize, &'a T)> {
        self.0.iter().filter_map(|(name, value)| Some((services.iter().position(|one| one.name == *name)?, value)))
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }
}

impl<T: Bounded> Validate for PerService<T> {
    type Context = Unique<ServiceConfig>;

    fn validate_into(&self, services: &Self::Context, parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let known: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
        // A name that is wrong itself is told where it stands, not at every place that may have meant it.
        let once =
            |place: usize, name: &str| !name.trim().is_empty() && !known.iter().take(place).any(|other| *other == name);
        let clear = known.iter().enumerate().all(|(place, name)| once(place, name));
        for (name, value) in &self.0 {
            if clear && !known.contains(&name.as_str()) {
                let error = format!("names `{name}`, which is no service; expected one of {}", known.join(", "));
                report.append(parent().join(name.as_str()), Error::new(error));
            }
            if let Err(error) = value.check() {
                report.append(parent().join(name.as_str()), error);
            }
        }
    }
}
