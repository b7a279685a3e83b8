//! Plots as SVG: utility against bandwidth, and one cell of the grid over time.

use std::fmt::Write as _;

use allocation::policy::PolicyName;

use super::compare::same_cell;
use crate::simulate::Run;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 460.0;
/// Left, right, top and bottom.
const MARGINS: [f64; 4] = [64.0, 210.0, 34.0, 52.0];
/// Colours that also differ for colour-blind eyes (Okabe and Ito, 2008).
const COLOURS: [&str; 8] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"];

/// A line of a plot.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

/// What stands along an axis.
struct Axis {
    title: &'static str,
    logarithmic: bool,
    least: f64,
    most: f64,
}

impl Axis {
    fn of(title: &'static str, logarithmic: bool, values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        // A single value still needs a width.
        let pad = if most > least { 0.0 } else { most.abs().max(1.0) * 0.05 };
        Self { title, logarithmic, least: least - pad, most: most + pad }
    }

    /// 0 at the least, 1 at the most.
    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.max(1e-9).ln() } else { value };
        (scale(value) - scale(self.least)) / (scale(self.most) - scale(self.least))
    }

    fn ticks(&self) -> Vec<f64> {
        let part = |k: i32| {
            let share = f64::from(k) / 5.0;
            if self.logarithmic {
                (self.least.max(1e-9).ln() * (1.0 - share) + self.most.max(1e-9).ln() * share).exp()
            } else {
                self.least * (1.0 - share) + self.most * share
            }
        };
        (0..=5).map(part).collect()
    }
}

/// Utility against the mean bandwidth, one line per policy, averaged over everything else; of the single
/// configurations only the best.
#[must_use]
pub fn utility_plot(runs: &[Run]) -> String {
    let mut means: Vec<f64> = runs.iter().map(|run| run.mean_mbps).collect();
    means.sort_by(f64::total_cmp);
    means.dedup();
    let average = |policy: &PolicyName, mean: f64| {
        let matching = runs.iter().filter(|run| run.policy == *policy && run.mean_mbps == mean);
        let (sum, count) = matching.fold((0.0, 0.0), |(sum, n), run| (sum + run.outcome.utility, n + 1.0));
        if count > 0.0 { sum / count } else { f64::NAN }
    };
    let mut policies: Vec<&PolicyName> = Vec::new();
    for run in runs {
        if !policies.contains(&&run.policy) {
            policies.push(&run.policy);
        }
    }
    let (single, others): (Vec<&PolicyName>, Vec<&PolicyName>) =
        policies.into_iter().partition(|policy| matches!(policy, PolicyName::Fixed(_)));
    let line = |policy: &PolicyName| means.iter().map(|&mean| (mean, average(policy, mean))).collect();
    let mut series: Vec<Series> =
        others.iter().map(|policy| Series { name: policy.to_string(), points: line(policy) }).collect();
    let total = |policy: &&PolicyName| means.iter().map(|&mean| average(policy, mean)).sum::<f64>();
    if let Some(best) = single.into_iter().max_by(|a, b| total(a).total_cmp(&total(b))) {
        series.push(Series { name: best.to_string(), points: line(best) });
    }
    draw("Utility against bandwidth", ("mean uplink, Mbit/s", true), "mean accuracy", &series)
}

/// Utility per second of every policy but the single configurations, in the first cell of the grid.
#[must_use]
pub fn course_plot(runs: &[Run]) -> String {
    let cell = runs.first().map(|first| runs.iter().filter(move |run| same_cell(first, run)));
    let mut series = Vec::new();
    for run in cell.into_iter().flatten().filter(|run| !matches!(run.policy, PolicyName::Fixed(_))) {
        let seconds = run.outcome.seconds.iter().zip(0_u32..).filter(|(slice, _)| slice.weight > 0.0);
        let points = seconds.map(|(slice, second)| (f64::from(second), slice.utility / slice.weight)).collect();
        series.push(Series { name: run.policy.to_string(), points });
    }
    draw("Utility over time", ("s", false), "mean accuracy in each second", &series)
}

fn draw(title: &str, (across, logarithmic): (&'static str, bool), up: &'static str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|series| series.points.iter());
    let x = Axis::of(across, logarithmic, points().map(|point| point.0));
    let y = Axis::of(up, false, points().map(|point| point.1));
    let [left, right, top, bottom] = MARGINS;
    let (width, height) = (WIDTH - left - right, HEIGHT - top - bottom);
    let at = |px: f64, py: f64| (left + x.place(px) * width, top + (1.0 - y.place(py)) * height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\
         <text x=\"{left}\" y=\"20\" font-size=\"15\">{}</text>\n",
        escaped(title)
    );
    for tick in x.ticks() {
        let (px, _) = at(tick, y.least);
        let (low, label) = (top + height, top + height + 18.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{px:.1} {top}V{low}\" stroke=\"#ddd\"/>\
             <text x=\"{px:.1}\" y=\"{label}\" text-anchor=\"middle\">{tick:.1}</text>"
        );
    }
    for tick in y.ticks() {
        let (_, py) = at(x.least, tick);
        let (end, label) = (left + width, left - 6.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {py:.1}H{end}\" stroke=\"#ddd\"/>\
             <text x=\"{label}\" y=\"{:.1}\" text-anchor=\"end\">{tick:.3}</text>",
            py + 4.0
        );
    }
    let (middle, below) = (left + width / 2.0, HEIGHT - 12.0);
    let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", escaped(x.title));
    let _ = writeln!(
        svg,
        "<text transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        top + height / 2.0,
        escaped(y.title)
    );
    for (index, (series, colour)) in series.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let drawable = series.points.iter().filter(|point| point.1.is_finite());
        let path: Vec<String> = drawable
            .map(|point| {
                let (px, py) = at(point.0, point.1);
                format!("{px:.1},{py:.1}")
            })
            .collect();
        let (key, label) = (left + width + 12.0, top + 12.0 + 18.0 * index as f64);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"/>\
             <path d=\"M{key} {label}h16\" stroke=\"{colour}\" stroke-width=\"3\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"10\">{}</text>",
            path.join(" "),
            key + 20.0,
            label + 4.0,
            escaped(&series.name)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
