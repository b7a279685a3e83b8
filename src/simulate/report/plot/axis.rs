//! What stands along an axis, at round numbers.

/// About so many ticks.
const TICKS: f64 = 6.0;

/// An axis from its least to its most tick or value.
pub struct Axis {
    pub title: String,
    logarithmic: bool,
    least: f64,
    most: f64,
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Logarithmic, with a tick at each of `values`, which rise.
    pub fn at(title: &str, values: &[f64]) -> Self {
        let least = values.first().copied().unwrap_or(1.0);
        let most = values.last().copied().unwrap_or(1.0);
        // A single value still needs a width.
        let (least, most) = if most > least { (least, most) } else { (least * 0.5, most * 2.0) };
        let mut ticks: Vec<f64> = Vec::new();
        for &value in values {
            // Labels must not lie on one another.
            if ticks.last().is_none_or(|last| (value / last).ln() > 0.06 * (most / least).ln()) {
                ticks.push(value);
            }
        }
        Self { title: title.to_owned(), logarithmic: true, least, most, ticks }
    }

    /// Linear, over all of `values` and, where `from_zero`, zero.
    pub fn round(title: &str, values: impl Iterator<Item = f64> + Clone, from_zero: bool) -> Self {
        let zero = from_zero.then_some(0.0);
        let least = values.clone().chain(zero).fold(f64::INFINITY, f64::min);
        let most = values.chain(zero).fold(f64::NEG_INFINITY, f64::max);
        let (least, most) = if least <= most { (least, most) } else { (0.0, 1.0) };
        let step = round_step(if most > least { most - least } else { most.abs().max(1.0) * 0.1 });
        let (first, last) = ((least / step).floor(), (most / step).ceil().max((least / step).floor() + 1.0));
        let ticks = (0..=(last - first) as u32).map(|k| (first + f64::from(k)) * step).collect();
        Self { title: title.to_owned(), logarithmic: false, least: first * step, most: last * step, ticks }
    }

    /// 0 at the least, 1 at the most.
    pub fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.max(1e-9).ln() } else { value };
        (scale(value) - scale(self.least)) / (scale(self.most) - scale(self.least))
    }

    /// A tick's number with the digits that tell it from the next.
    pub fn label(&self, tick: f64) -> String {
        if self.logarithmic {
            return tick.to_string();
        }
        let step = self.ticks.iter().zip(self.ticks.iter().skip(1)).map(|(a, b)| b - a).fold(f64::INFINITY, f64::min);
        let digits = if step.is_finite() && step > 0.0 { (-step.log10()).ceil().max(0.0) as usize } else { 0 };
        format!("{tick:.digits$}")
    }
}

/// 1, 2 or 5 times a power of ten, about a [`TICKS`]th of `range`.
fn round_step(range: f64) -> f64 {
    let exact = range / TICKS;
    let power = 10_f64.powf(exact.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= exact * 0.999);
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        let axis = Axis::round("", [0.4051, 0.471].into_iter(), false);
        assert_eq!(labels(&axis), ["0.40", "0.42", "0.44", "0.46", "0.48"]);
        let axis = Axis::round("", [3.0, 118.0].into_iter(), true);
        assert_eq!(labels(&axis), ["0", "20", "40", "60", "80", "100", "120"]);
        assert_eq!((axis.place(0.0), axis.place(120.0)), (0.0, 1.0));
        for one in [0.0, 0.4, -3.0, 7e9] {
            let axis = Axis::round("", [one].into_iter(), false);
            assert!((0.0..=1.0).contains(&axis.place(one)) && axis.ticks.len() >= 2, "{one}: {:?}", axis.ticks);
        }
        assert_eq!(labels(&Axis::round("", std::iter::empty(), false)).len(), 6);
    }

    #[test]
    fn given_values_are_the_ticks_unless_they_crowd() {
        let axis = Axis::at("", &[2.0, 5.0, 20.0, 20.1, 80.0]);
        assert_eq!(labels(&axis), ["2", "5", "20", "80"]);
        assert_eq!((axis.place(2.0), axis.place(80.0)), (0.0, 1.0));
        assert!((Axis::at("", &[18.0]).place(18.0) - 0.5).abs() < 1e-9);
    }
}
