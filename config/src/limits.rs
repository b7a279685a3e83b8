//! The range checks of the schema. Each says the value and the range, and refuses NaN, which the usual range check of
//! `garde` lets through.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

/// A number of the schema.
pub(crate) trait Number: Display {
    fn as_f64(&self) -> f64;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn as_f64(&self) -> f64 {
                *self as f64
            }
        }
    )*};
}
numbers!(f64, u16, u32, u64, i32);

/// From `min` to `max`, both included.
pub(crate) fn within<N: Number, C>(min: f64, max: f64, unit: &'static str) -> impl Fn(&N, &C) -> garde::Result {
    move |value, _| {
        if (min..=max).contains(&value.as_f64()) {
            return Ok(());
        }
        let gap = if unit.is_empty() { "" } else { " " };
        Err(garde::Error::new(format!("is {value}; expected {min} to {max}{gap}{unit}")))
    }
}

/// Where it is given, from `min` to `max`.
pub(crate) fn within_if_given<N: Number>(
    min: f64,
    max: f64,
    unit: &'static str,
) -> impl Fn(&Option<N>, &()) -> garde::Result {
    move |value, context| value.as_ref().map_or(Ok(()), |value| within(min, max, unit)(value, context))
}

/// A quantile is not below a lower one.
pub(crate) fn not_below(lower_key: &'static str, lower: f64) -> impl Fn(&f64, &()) -> garde::Result {
    move |value, _| {
        if *value < lower {
            return Err(garde::Error::new(format!("is {value}, below {lower_key} ({lower}); expected at least that")));
        }
        Ok(())
    }
}

/// A text that says something and stays on one line.
pub(crate) fn one_line<C>(value: &str, _: &C) -> garde::Result {
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err(garde::Error::new(format!("is {value:?}; expected a text on one line")));
    }
    Ok(())
}

/// A text that says something.
pub(crate) fn not_blank(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(garde::Error::new("is empty; expected a text"));
    }
    Ok(())
}

/// A path that is not empty.
pub(crate) fn path(value: &Path, _: &()) -> garde::Result {
    if value.as_os_str().is_empty() {
        return Err(garde::Error::new("is empty; expected a path, relative to this file"));
    }
    Ok(())
}

/// Where it is given, a path that is not empty.
pub(crate) fn path_if_given(value: &Option<PathBuf>, context: &()) -> garde::Result {
    value.as_deref().map_or(Ok(()), |value| path(value, context))
}

/// `host:port`, the host a name or an address (IPv6 in brackets).
pub(crate) fn host_and_port(value: &str, _: &()) -> garde::Result {
    let parts = value.rsplit_once(':').filter(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let plain = !host.is_empty() && !host.contains([':', '/', ' ']);
        (bracketed || plain) && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
    });
    match parts {
        Some(_) => Ok(()),
        None => Err(garde::Error::new(format!("is {value:?}; expected host:port, such as cloud.example:4433"))),
    }
}

/// Reads a value and checks it at once, so that the error has the value's place.
pub(crate) fn while_reading<'de, T, D>(
    key: &'static str,
    deserializer: D,
    check: impl Fn(&T, &()) -> garde::Result,
) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = T::deserialize(deserializer)?;
    check(&value, &()).map_err(|error| serde::de::Error::custom(format!("`{key}` {}", error.message())))?;
    Ok(value)
}

/// Makes a path that is relative to a file relative to where `base`, the directory of the file, is.
pub(crate) fn resolve(base: &Path, path: &mut PathBuf) {
    *path = base.join(&path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_in_no_range() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 2.1] {
            assert!(within(0.0, 2.0, "s")(&bad, &()).is_err());
        }
        assert!(within(0.0, 2.0, "s")(&2.0, &()).is_ok());
    }

    #[test]
    fn host_and_port_accepts_what_can_be_reached() {
        for good in ["127.0.0.1:4433", "[::1]:1", "cloud.example:65535", "localhost:0"] {
            assert!(host_and_port(good, &()).is_ok(), "{good}");
        }
        for bad in ["", "4433", ":4433", "host:", "host:65536", "::1:4433", "https://host:1", "host:+1", "a b:1"] {
            assert!(host_and_port(bad, &()).is_err(), "{bad}");
        }
    }
}
