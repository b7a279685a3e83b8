//! Quantities as a user writes them on the command line. What is none is refused with what was written and what would be
//! right; the command line adds which flag it was.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest that anything may be asked to run or wait: more than a year.
const LONGEST: Duration = Duration::from_secs(10_000 * 3600);
/// The longest way there and back.
const LONGEST_RTT: Duration = Duration::from_secs(60);

/// Parses `500ms`, `30s`, `2m`, `1h` or `1.5s`, from nothing to ten thousand hours.
///
/// # Errors
/// What was written and what would be right.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write a number with a unit, such as 200ms, 30s, 2m or 1h");
    let split = text.find(|character: char| character.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let seconds_per_unit = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| wrong())?;
    if duration > LONGEST {
        return Err(format!("{text:?} is too long; write at most 10000h"));
    }
    Ok(duration)
}

/// A duration between two others, such as `200ms`.
pub fn duration_within(
    allowed: RangeInclusive<Duration>,
    example: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let duration = duration(text)?;
        let (least, most) = (allowed.start(), allowed.end());
        if !allowed.contains(&duration) {
            return Err(format!("{text:?} is out of range; write {least:?} to {most:?}, such as {example}"));
        }
        Ok(duration)
    }
}

/// How long something shall run: a millisecond at least.
///
/// # Errors
/// What was written and what would be right.
pub fn run_length(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    if length < Duration::from_millis(1) {
        return Err(format!("{text:?} is no time to run for; write 1ms or more, such as 30s"));
    }
    Ok(length)
}

/// A round trip of an emulated link.
///
/// # Errors
/// What was written and what would be right.
pub fn round_trip(text: &str) -> Result<Duration, String> {
    duration_within(Duration::ZERO..=LONGEST_RTT, "40ms")(text)
}

/// A number of something, whole or not.
pub fn number(
    what: &'static str,
    allowed: RangeInclusive<f64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (least, most) = (allowed.start(), allowed.end());
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| format!("{text:?} is no {what}; write a number from {least} to {most}, such as {example}"))
    }
}

/// A whole number of something.
pub fn whole<T: TryFrom<u64> + Clone + Send + Sync + 'static>(
    what: &'static str,
    allowed: RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (least, most) = (allowed.start(), allowed.end());
        let number =
            text.parse().ok().filter(|number| allowed.contains(number)).and_then(|number| number.try_into().ok());
        number.ok_or_else(|| {
            format!("{text:?} is no {what}; write a whole number from {least} to {most}, such as {example}")
        })
    }
}

/// The probability that something befalls a packet.
///
/// # Errors
/// What was written and what would be right.
pub fn probability(text: &str) -> Result<f64, String> {
    number("probability", 0.0..=1.0, "0.01")(text)
}

/// Where chance begins.
///
/// # Errors
/// What was written and what would be right.
pub fn seed(text: &str) -> Result<u64, String> {
    whole("seed", 0..=u64::MAX, "1")(text)
}

/// Frames per second of a car's camera.
///
/// # Errors
/// What was written and what would be right.
pub fn frame_rate(text: &str) -> Result<f64, String> {
    number("frame rate", 0.1..=240.0, "5")(text)
}

/// A rate in Mbit/s.
///
/// # Errors
/// What was written and what would be right.
pub fn megabits(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.0..=1e6).contains(rate));
    rate.ok_or_else(|| format!("{text:?} is not a rate; write a number from 0 to 1000000, in Mbit/s, such as 18"))
}

/// A rate in Mbit/s at which something passes.
///
/// # Errors
/// What was written and what would be right.
pub fn positive_megabits(text: &str) -> Result<f64, String> {
    let rate = megabits(text)?;
    // Below a bit a second nothing would ever pass.
    if rate < 1e-6 {
        return Err(format!(
            "{text:?} is no rate at which anything passes; write a number above 0, in Mbit/s, such as 18"
        ));
    }
    Ok(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units_and_refused_without() {
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "5", "s", "-1s", "1e999s", "NaNs", "infs", "3 parsecs"] {
            assert!(duration(wrong).is_err_and(|error| error.contains("200ms")), "{wrong:?}");
        }
        assert!(duration("10001h").is_err_and(|error| error.contains("at most 10000h")));
        assert!(run_length("0s").is_err() && run_length("1ms").is_ok());
    }

    #[test]
    fn rates_are_not_negative_and_finite() {
        assert_eq!(megabits("2.5"), Ok(2.5));
        for wrong in ["-1", "nan", "inf", "fast", ""] {
            assert!(megabits(wrong).is_err_and(|error| error.contains("Mbit/s")), "{wrong:?}");
        }
        assert!(positive_megabits("0").is_err() && megabits("0").is_ok());
    }

    #[test]
    fn numbers_are_within_their_bounds_and_no_others() {
        let wide = number("share", 0.0..=1.0, "0.5");
        assert_eq!(wide("0.25"), Ok(0.25));
        for wrong in ["", "-0.1", "1.1", "NaN", "inf", "half"] {
            let said = wide(wrong).expect_err(wrong);
            assert_eq!(said, format!("{wrong:?} is no share; write a number from 0 to 1, such as 0.5"));
        }
        let few = whole::<u8>("count", 1..=300, "3");
        assert_eq!(few("255"), Ok(255));
        for wrong in ["0", "256", "301", "-1", "2.0", "", "1e1"] {
            assert!(few(wrong).is_err_and(|said| said.contains("whole number from 1 to 300")), "{wrong}");
        }
    }
}
