//! Plots as inline SVG.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 150.0;
/// Room for the axis' numbers.
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 20.0;

/// One line of a plot.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// A CSS class of the page's style.
    pub(super) class: &'a str,
    pub(super) values: Vec<Option<f64>>,
}

/// Lines over the run's time, from zero to the highest value; gaps where nothing was logged.
pub(super) fn lines(title: &str, lines: &[Line<'_>], seconds: f64) -> String {
    let lines: Vec<&Line<'_>> = lines.iter().filter(|line| line.values.iter().any(Option::is_some)).collect();
    let highest = lines.iter().flat_map(|line| &line.values).flatten().copied().fold(0.0, f64::max);
    if lines.is_empty() || highest <= 0.0 {
        return String::new();
    }
    let mut svg = String::new();
    // Writing into a `String` cannot fail.
    let _ = write!(svg, "<figure><figcaption>{title}");
    for line in &lines {
        let _ = write!(svg, " <span class=\"{}\">— {}</span>", line.class, line.name);
    }
    let _ = write!(svg, "</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for part in [0.0, 0.5, 1.0] {
        let y = 6.0 + (HEIGHT - BOTTOM - 6.0) * (1.0 - part);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{WIDTH}\"/><text x=\"{:.1}\" y=\"{:.1}\" class=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            super::ms(highest * part)
        );
    }
    for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = LEFT + (WIDTH - LEFT) * part;
        let class = if part == 1.0 { "end" } else { "" };
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" class=\"{class}\">{}</text>",
            HEIGHT - 4.0,
            super::duration(seconds * part)
        );
    }
    for line in &lines {
        let _ = write!(svg, "<path class=\"line {}\" d=\"{}\"/>", line.class, path(&line.values, highest));
    }
    svg.push_str("</svg></figure>");
    svg
}

fn path(values: &[Option<f64>], highest: f64) -> String {
    let mut path = String::new();
    let step = (WIDTH - LEFT) / values.len().max(1) as f64;
    let mut pen_down = false;
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let x = LEFT + (index as f64 + 0.5) * step;
            let y = 6.0 + (HEIGHT - BOTTOM - 6.0) * (1.0 - value / highest);
            let _ = write!(path, "{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' });
            if !pen_down {
                // A lone point is seen as well.
                path.push_str("h.1");
            }
        }
        pen_down = value.is_some();
    }
    path
}

/// A bar for each range of a distribution: p50 dark, up to p99 light, on an axis up to `highest`.
pub(super) fn bar(p50: f64, p99: f64, highest: f64) -> String {
    let width = |ms: f64| if highest > 0.0 { (ms / highest * 240.0).clamp(0.5, 240.0) } else { 0.5 };
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 240 12\"><rect class=\"p99\" width=\"{:.1}\" height=\"12\"/>\
         <rect class=\"p50\" width=\"{:.1}\" height=\"12\"/></svg>",
        width(p99),
        width(p50)
    )
}
