//! A list whose items are told apart by a key.

use std::ops::Deref;

use garde::{Error, Path, Report, Validate};
use serde::{Deserialize, Serialize};

/// An item that has a key of its own.
pub trait Keyed {
    /// The name of the key in YAML.
    const KEY: &'static str;

    /// The key's value.
    fn key(&self) -> String;
}

/// A list of at least one item in which no key occurs twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unique<T>(Vec<T>);

impl<T: Keyed + Validate<Context = ()>> Unique<T> {
    /// A list of checked items.
    ///
    /// # Errors
    /// The report names each item that is out of range, a key that occurs twice, or that there is no item.
    pub fn new(items: Vec<T>) -> Result<Self, Report> {
        let list = Self(items);
        list.validate()?;
        Ok(list)
    }
}

impl<T> Unique<T> {
    /// The items of a list that was checked before, if any are left.
    pub(crate) fn if_any(items: Vec<T>) -> Option<Self> {
        (!items.is_empty()).then_some(Self(items))
    }

    /// The items, to be changed in place; keys must stay as they are.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}

impl<T> Deref for Unique<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Keyed + Validate> Validate for Unique<T> {
    type Context = T::Context;

    fn validate_into(&self, context: &T::Context, parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if self.0.is_empty() {
            report.append(parent(), Error::new("is empty; expected at least one entry"));
        }
        for (index, item) in self.0.iter().enumerate() {
            let key = item.key();
            if let Some(first) = self.0.iter().take(index).position(|other| other.key() == key) {
                let place = parent().join(index).join(T::KEY);
                report.append(place, Error::new(format!("is {key:?}, as in entry {first}; expected a different one")));
            }
            item.validate_into(context, &mut || parent().join(index), report);
        }
    }
}
