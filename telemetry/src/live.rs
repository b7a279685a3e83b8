//! One line a second per service: in place on a terminal, plain in a pipe.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::console::Unhindered;
use crate::names::Names;
use crate::records::Source;
use crate::stats::Window;

/// What one service did in the last second.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveLine {
    /// The service's number.
    pub service: u16,
    /// Its model configuration.
    pub config: Arc<str>,
    /// Its share of the uplink, Mbit/s; `None` before the first allocation.
    pub allocated_mbps: Option<f64>,
    /// What it sent, Mbit/s.
    pub used_mbps: f64,
    /// Decisions made.
    pub decisions: u64,
    /// Decisions made by their deadline, percent.
    pub on_time_percent: Option<f64>,
    /// Decisions from the cloud, the on-vehicle detector and nobody, percent.
    pub source_percent: Option<[f64; 3]>,
    /// Median capture-to-decision time.
    pub p50: Option<Duration>,
    /// Its 99th percentile.
    pub p99: Option<Duration>,
}

impl LiveLine {
    /// The line of a service whose `window` took `elapsed`.
    #[must_use]
    pub fn of(service: u16, window: &mut Window, elapsed: Duration, names: &Names) -> Self {
        let percent = |count: u64| (window.decisions > 0).then(|| count as f64 * 100.0 / window.decisions as f64);
        let [cloud, vehicle, none] = [Source::Cloud, Source::Vehicle, Source::None]
            .map(|source| percent(window.sources.get(source as usize).copied().unwrap_or(0)));
        let secs = elapsed.as_secs_f64();
        Self {
            service,
            config: names.get(window.config),
            allocated_mbps: window.allocated_bytes_per_s.map(|rate| rate * 8e-6),
            used_mbps: if secs > 0.0 { window.uplink_bytes as f64 * 8e-6 / secs } else { 0.0 },
            decisions: window.decisions,
            on_time_percent: percent(window.in_time),
            source_percent: cloud.zip(vehicle).zip(none).map(|((cloud, vehicle), none)| [cloud, vehicle, none]),
            p50: window.latency(0.5),
            p99: window.latency(0.99),
        }
    }
}

/// A number with `decimals`, or a dash.
struct Or<T>(Option<T>, usize);

impl fmt::Display for Or<f64> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => f.pad(&format!("{value:.*}", self.1)),
            None => f.pad("-"),
        }
    }
}

impl fmt::Display for LiveLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |time: Option<Duration>| Or(time.map(|time| time.as_secs_f64() * 1e3), 0);
        let [cloud, vehicle, none] = match self.source_percent {
            Some(shares) => shares.map(|share| Or(Some(share), 0)),
            None => [Or(None, 0), Or(None, 0), Or(None, 0)],
        };
        let config = if self.config.is_empty() { "-" } else { &self.config };
        write!(
            f,
            "service {:<2} {config:<28} {:>6} / {:>5.2} Mbit/s  on time {:>3} %  cloud {cloud:>3} % vehicle {vehicle:>3} % none {none:>3} %  p50 {:>4} ms p99 {:>4} ms",
            self.service,
            Or(self.allocated_mbps, 2),
            self.used_mbps,
            Or(self.on_time_percent, 0),
            millis(self.p50),
            millis(self.p99),
        )
    }
}

/// How lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveStyle {
    /// Written over the last ones, with ANSI escapes.
    InPlace,
    /// One after the other.
    Plain,
}

/// Shows a block of lines again and again.
///
/// ```
/// use telemetry::live::{LivePrinter, LiveStyle};
/// let mut printer = LivePrinter::new(Box::new(std::io::sink()), LiveStyle::Plain);
/// printer.print(&["service 1 …".to_owned()]);
/// ```
pub struct LivePrinter {
    out: Box<dyn Write + Send>,
    style: LiveStyle,
    drawn: usize,
    /// A pipe whose reader went away ends the lines, not the run.
    broken: bool,
}

impl LivePrinter {
    /// Lines to any writer.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, style: LiveStyle) -> Self {
        Self { out, style, drawn: 0, broken: false }
    }

    /// Lines to standard output, in place where it is a terminal.
    #[must_use]
    pub fn stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self::new(Box::new(Unhindered(std::io::stdout())), if terminal { LiveStyle::InPlace } else { LiveStyle::Plain })
    }

    /// Lines to standard error, in place where it is a terminal.
    #[must_use]
    pub fn stderr() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self::new(Box::new(Unhindered(std::io::stderr())), if terminal { LiveStyle::InPlace } else { LiveStyle::Plain })
    }

    /// Shows `lines` in place of the last block, or after it.
    pub fn print(&mut self, lines: &[String]) {
        let mut text = self.over_the_last();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        if self.style == LiveStyle::InPlace {
            // Without wrapping, a narrow terminal cuts a line instead of breaking the count of lines.
            text = format!("\x1b[?7l{text}\x1b[?7h");
        }
        self.drawn = lines.len();
        self.write(&text);
    }

    /// Says something that stays, above the block.
    pub fn note(&mut self, note: &str) {
        let text = format!("{}{note}\n", self.over_the_last());
        self.drawn = 0;
        self.write(&text);
    }

    fn over_the_last(&self) -> String {
        if self.style == LiveStyle::InPlace && self.drawn > 0 {
            format!("\x1b[{}A\x1b[J", self.drawn)
        } else {
            String::new()
        }
    }

    fn write(&mut self, text: &str) {
        if !self.broken {
            self.broken = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err();
        }
    }
}

#[cfg(test)]
mod tests;
