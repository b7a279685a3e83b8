//! Plots as SVG: utility against bandwidth, and one cell of the grid over time.

mod axis;
mod panel;

use std::fmt::Write as _;

use allocation::policy::PolicyName;

use super::compare::same_cell;
use crate::simulate::Run;
use axis::Axis;
use panel::{Frame, Panel, Series, Style, escaped};

/// Width and height of the plot of utilities, and of the two panels of a course, pixels.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 370.0;
const LOWER_HEIGHT: f64 = 130.0;
/// Left and top margins, the gap between two panels and what is below the last: room for titles and ticks.
const LEFT: f64 = 72.0;
const TOP: f64 = 40.0;
const GAP: f64 = 62.0;
const BOTTOM: f64 = 52.0;
/// Most points of a course: more would be noise.
const MOST_POINTS: usize = 60;

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
    let total = |policy: &&PolicyName| means.iter().map(|&mean| average(policy, mean)).sum::<f64>();
    let best = single.into_iter().max_by(|a, b| total(a).total_cmp(&total(b)));
    let series = others.into_iter().chain(best).map(|policy| Series::of(policy, line(policy)));
    let series = in_order(series.collect());
    let x = Axis::at("mean uplink, Mbit/s", &means);
    let y = Axis::round("mean accuracy of the decisions", ups(&series), false);
    let panel =
        Panel { frame: Frame { left: LEFT, top: TOP, width: WIDTH, height: HEIGHT }, x, y, series, marks: true };
    document("Utility against bandwidth", &[panel])
}

/// The first cell of the grid over time: the utility of every policy but the single configurations, and below it what the
/// link could carry and what the last policy's car believed.
#[must_use]
pub fn course_plot(runs: &[Run]) -> String {
    let Some(first) = runs.first() else { return document("Utility over time", &[]) };
    let cell: Vec<&Run> = runs.iter().filter(|run| same_cell(first, run)).collect();
    let drawn = || cell.iter().filter(|run| !matches!(run.policy, PolicyName::Fixed(_)));
    let bin = first.outcome.seconds.len().div_ceil(MOST_POINTS).max(1);
    let series = drawn().map(|run| {
        let bins = run.outcome.seconds.chunks(bin).zip(0_u32..);
        let points = bins.filter_map(|(slices, place)| {
            let weight: f64 = slices.iter().map(|slice| slice.weight).sum();
            let utility: f64 = slices.iter().map(|slice| slice.utility).sum();
            (weight > 0.0).then(|| (middle(place, bin), utility / weight))
        });
        Series::of(&run.policy, points.collect())
    });
    let series = in_order(series.collect());
    let (x, y) = (
        Axis::round("", across(&series), true),
        Axis::round(&format!("mean accuracy, {}", per(bin)), ups(&series), false),
    );
    let upper =
        Panel { frame: Frame { left: LEFT, top: TOP, width: WIDTH, height: HEIGHT }, x, y, series, marks: false };
    let rates = |of: fn(&allocation::simulate::Slice) -> f64, run: &Run| {
        let bins = run.outcome.seconds.chunks(bin).zip(0_u32..);
        let mean = |slices: &[allocation::simulate::Slice]| slices.iter().map(of).sum::<f64>() / slices.len() as f64;
        bins.map(|(slices, place)| (middle(place, bin), mean(slices) / 1e6)).collect()
    };
    let mut link =
        vec![Series { name: "the link".into(), style: Style::AREA, points: rates(|slice| slice.capacity_bps, first) }];
    // The oracle believes nothing: it knows.
    let believer = drawn().filter(|run| run.policy != PolicyName::Oracle && run.outcome.sent > 0);
    if let Some(run) = believer.max_by_key(|run| run.policy == PolicyName::Turbo) {
        let points = rates(|slice| slice.believed_bps, run);
        let style = Style::of(&run.policy);
        link.push(Series { name: format!("as {}'s car believes", run.policy), style, points });
    }
    let lower = Panel {
        frame: Frame { left: LEFT, top: TOP + HEIGHT + GAP, width: WIDTH, height: LOWER_HEIGHT },
        x: Axis::round("time, s", across(&link), true),
        y: Axis::round("Mbit/s", ups(&link), true),
        series: link,
        marks: false,
    };
    let Run { trace, mean_mbps, rtt, loss, slo, .. } = first;
    let name = std::path::Path::new(trace).file_name().map_or(trace.into(), |name| name.to_string_lossy());
    let title = format!(
        "{name}: {mean_mbps} Mbit/s, round trip {} ms, loss {} %, objective {} ms",
        rtt.as_secs_f64() * 1e3,
        loss * 100.0,
        slo.as_secs_f64() * 1e3
    );
    document(&title, &[upper, lower])
}

fn middle(place: u32, bin: usize) -> f64 {
    (f64::from(place) + 0.5) * bin as f64
}

fn per(bin: usize) -> String {
    if bin == 1 { "each second".into() } else { format!("each {bin} s") }
}

fn across(series: &[Series]) -> impl Iterator<Item = f64> + Clone {
    series.iter().flat_map(|series| series.points.iter().map(|point| point.0))
}

fn ups(series: &[Series]) -> impl Iterator<Item = f64> + Clone {
    series.iter().flat_map(|series| series.points.iter().map(|point| point.1)).filter(|value| value.is_finite())
}

/// What is most looked at is drawn last, over the others.
fn in_order(mut series: Vec<Series>) -> Vec<Series> {
    series.sort_by(|a, b| a.style.width.total_cmp(&b.style.width));
    series
}

fn document(title: &str, panels: &[Panel]) -> String {
    let legend = panels.iter().map(Panel::legend_width).fold(0.0, f64::max);
    let low = panels.iter().map(|panel| panel.frame.top + panel.frame.height).fold(TOP, f64::max);
    let (width, height) = (LEFT + WIDTH + legend, low + BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"14\">{}</text>\n",
        escaped(title)
    );
    for panel in panels {
        let _ = writeln!(svg, "{panel}");
    }
    svg.push_str("</svg>\n");
    svg
}
