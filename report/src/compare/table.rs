//! A comparison as a terminal shows it.

use std::fmt::Write;

use super::{Comparison, Row};
use crate::report::Missing;
use crate::show::{count, losses, ms, optional};

/// The comparison as text.
#[must_use]
pub fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    // Writing into a `String` cannot fail.
    let _ = write(&mut text, comparison);
    text
}

fn write(text: &mut String, comparison: &Comparison) -> std::fmt::Result {
    let Comparison { a, b, missing_a, missing_b, rows } = comparison;
    writeln!(text, "A {a}\nB {b}")?;
    for (name, missing) in [("A", missing_a), ("B", missing_b)] {
        lacks(text, name, missing)?;
    }
    writeln!(
        text,
        "\n{:<34} {:>10} {:>10} {:>10} {:>7}   {:<20} {:>21}",
        "", "A", "B", "B - A", "B / A", "95 % of B - A", "samples"
    )?;
    for Row { name, a, b, difference, ratio, interval, samples } in rows {
        let interval = optional(*interval, |[low, high]| format!("{} to {}", signed(low), signed(high)));
        writeln!(
            text,
            "{name:<34} {:>10} {:>10} {:>10} {:>7}   {interval:<20} {:>21}",
            optional(*a, ms),
            optional(*b, ms),
            optional(*difference, signed),
            optional(*ratio, |ratio| format!("{ratio:.3}")),
            format!("{}, {}", count(samples[0]), count(samples[1]))
        )?;
    }
    Ok(())
}

fn signed(value: f64) -> String {
    format!("{}{}", if value > 0.0 { "+" } else { "" }, ms(value))
}

fn lacks(text: &mut String, name: &str, missing: &Missing) -> std::fmt::Result {
    if !missing.any() {
        return Ok(());
    }
    writeln!(text, "MISSING in {name}: {}", losses(missing))
}
