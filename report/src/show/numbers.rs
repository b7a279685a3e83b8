//! Numbers as people read them.

/// A count with its thousands apart: `3,240,000`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if place > 0 && place % 3 == 0 {
            text.push(',');
        }
    }
    text
}

/// A share in percent, and never a rounded 100 or 0 that is not one.
#[must_use]
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        hundred if hundred >= 100.0 => "100 %".to_owned(),
        almost if almost > 99.9 => ">99.9 %".to_owned(),
        nothing if nothing <= 0.0 => "0 %".to_owned(),
        little if little < 0.1 => "<0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// Milliseconds to three digits.
#[must_use]
pub fn ms(ms: f64) -> String {
    match ms.abs() {
        size if size >= 100.0 => format!("{ms:.0}"),
        size if size >= 10.0 => format!("{ms:.1}"),
        size if size >= 1.0 => format!("{ms:.2}"),
        _ => format!("{ms:.3}"),
    }
}

/// `value` by `show`, or a dash.
#[must_use]
pub fn optional<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

/// Seconds as `42.1 s`, `12:34 min` or `10:00:00 h`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..120 => format!("{seconds:.1} s"),
        120..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02} h", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded_to_all_or_nothing() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_99), ">99.9 %");
        assert_eq!(percent(0.000_01), "<0.1 %");
        assert_eq!(percent(0.1234), "12.3 %");
    }

    #[test]
    fn counts_and_times_are_readable() {
        assert_eq!([count(0), count(999), count(3_240_000)], ["0", "999", "3,240,000"]);
        assert_eq!([duration(12.34), duration(754.0), duration(36_000.0)], ["12.3 s", "12:34 min", "10:00:00 h"]);
        assert_eq!([ms(0.1234), ms(12.34), ms(1234.0)], ["0.123", "12.3", "1234"]);
    }
}
