//! The check every number passes on its way in, and the error that names the one that did not.

/// A number that is outside what its meaning allows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{what} is {value}; expected {expected}")]
pub struct InvalidQuantity {
    /// What the number stands for, with its unit.
    pub what: &'static str,
    /// The number that was refused.
    pub value: f64,
    /// What would have been right.
    pub expected: &'static str,
}

/// A finite number that is not negative.
pub(crate) fn non_negative(what: &'static str, value: f64) -> Result<f64, InvalidQuantity> {
    check(what, value, "a finite number that is not negative", value.is_finite() && value >= 0.0)
}

/// A finite number above zero.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<f64, InvalidQuantity> {
    check(what, value, "a finite number above 0", value.is_finite() && value > 0.0)
}

/// A share of one.
pub(crate) fn fraction(what: &'static str, value: f64) -> Result<f64, InvalidQuantity> {
    check(what, value, "a number in 0..=1", (0.0..=1.0).contains(&value))
}

pub(crate) fn check(
    what: &'static str,
    value: f64,
    expected: &'static str,
    holds: bool,
) -> Result<f64, InvalidQuantity> {
    if holds { Ok(value) } else { Err(InvalidQuantity { what, value, expected }) }
}
