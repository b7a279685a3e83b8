//! One rectangle with axes, lines and their names.

use std::fmt;

use allocation::policy::PolicyName;

use super::axis::Axis;

/// What a character of a legend takes, pixels, at most on average.
const CHARACTER: f64 = 6.7;
/// From the panel to the legend, and its lines' samples.
const INDENT: f64 = 44.0;
const ROW: f64 = 18.0;

/// How a line is drawn.
#[derive(Clone, Copy)]
pub struct Style {
    pub colour: &'static str,
    pub width: f64,
    /// Of SVG's `stroke-dasharray`.
    pub dashes: &'static str,
    pub filled: bool,
}

impl Style {
    /// What the link could carry.
    pub const AREA: Self = Self { colour: "#bbbbbb", width: 1.0, dashes: "none", filled: true };

    /// A policy's; the colours differ for colour-blind eyes too (Okabe and Ito, 2008).
    pub const fn of(policy: &PolicyName) -> Self {
        let (colour, width, dashes) = match policy {
            PolicyName::Turbo => ("#D55E00", 2.8, "none"),
            PolicyName::Oracle => ("#000000", 1.4, "6 4"),
            PolicyName::OnVehicle => ("#777777", 1.3, "2 3"),
            PolicyName::EqualSplit => ("#009E73", 1.8, "none"),
            PolicyName::Prototype => ("#0072B2", 1.8, "none"),
            PolicyName::Fixed(_) => ("#CC79A7", 1.8, "none"),
        };
        Self { colour, width, dashes, filled: false }
    }
}

/// A line.
pub struct Series {
    pub name: String,
    pub style: Style,
    pub points: Vec<(f64, f64)>,
}

impl Series {
    pub fn of(policy: &PolicyName, points: Vec<(f64, f64)>) -> Self {
        Self { name: policy.to_string(), style: Style::of(policy), points }
    }
}

/// Where a panel stands, pixels.
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// A rectangle with axes and lines.
pub struct Panel {
    pub frame: Frame,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
    /// Whether each point is marked: where there are few.
    pub marks: bool,
}

impl Panel {
    /// What the names of its lines take at its right.
    pub fn legend_width(&self) -> f64 {
        let longest = self.series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
        INDENT + CHARACTER * longest as f64
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let Frame { left, top, width, height } = self.frame;
        (left + self.x.place(x) * width, top + (1.0 - self.y.place(y)) * height)
    }

    fn axes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Frame { left, top, width, height } = self.frame;
        let (right, low) = (left + width, top + height);
        for &tick in &self.x.ticks {
            let px = left + self.x.place(tick) * width;
            let (below, label) = (low + 17.0, self.x.label(tick));
            writeln!(
                f,
                "<path d=\"M{px:.1} {top}V{low}\" stroke=\"#e4e4e4\"/>\
                 <text x=\"{px:.1}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>"
            )?;
        }
        for &tick in &self.y.ticks {
            let py = low - self.y.place(tick) * height;
            let (beside, baseline, label) = (left - 7.0, py + 4.0, self.y.label(tick));
            writeln!(
                f,
                "<path d=\"M{left} {py:.1}H{right}\" stroke=\"#e4e4e4\"/>\
                 <text x=\"{beside}\" y=\"{baseline:.1}\" text-anchor=\"end\">{label}</text>"
            )?;
        }
        let (centre, below) = (left + width / 2.0, low + 38.0);
        let (middle, beside) = (top + height / 2.0, left - 52.0);
        writeln!(
            f,
            "<path d=\"M{left} {top}V{low}H{right}\" fill=\"none\" stroke=\"#555\"/>\
             <text x=\"{centre}\" y=\"{below}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{beside}\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 {beside} {middle})\">{}</text>",
            escaped(&self.x.title),
            escaped(&self.y.title)
        )
    }
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.axes(f)?;
        let Frame { left, top, width, height } = self.frame;
        for (index, series) in self.series.iter().enumerate() {
            let Style { colour, width: thick, dashes, filled } = series.style;
            let finite = series.points.iter().filter(|point| point.1.is_finite());
            let points: Vec<(f64, f64)> = finite.map(|&point| self.at(point)).collect();
            let path: Vec<String> = points.iter().map(|(px, py)| format!("{px:.1},{py:.1}")).collect();
            let path = path.join(" ");
            if let (true, Some(first), Some(last)) = (filled, points.first(), points.last()) {
                let low = top + height;
                writeln!(
                    f,
                    "<polygon points=\"{:.1},{low} {path} {:.1},{low}\" fill=\"{colour}\" fill-opacity=\"0.5\"/>",
                    first.0, last.0
                )?;
            }
            writeln!(
                f,
                "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{thick}\" \
                 stroke-dasharray=\"{dashes}\" stroke-linejoin=\"round\"/>"
            )?;
            for (px, py) in points.iter().filter(|_| self.marks) {
                writeln!(f, "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"{:.1}\" fill=\"{colour}\"/>", thick + 0.8)?;
            }
            // The line drawn last is named first.
            let row = (self.series.len() - 1 - index) as f64;
            let (key, line) = (left + width + 12.0, top + 10.0 + ROW * row);
            writeln!(
                f,
                "<path d=\"M{key} {line}h20\" stroke=\"{colour}\" stroke-width=\"{thick}\" stroke-dasharray=\"{dashes}\"/>\
                 <text x=\"{}\" y=\"{}\" font-size=\"11\">{}</text>",
                key + 26.0,
                line + 4.0,
                escaped(&series.name)
            )?;
        }
        Ok(())
    }
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
