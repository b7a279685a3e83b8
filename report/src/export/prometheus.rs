//! Every histogram in Prometheus' text form, for a file that node_exporter's textfile collector serves.

use std::fmt::Write;

use crate::analysis::{ServedStage, Stage};
use crate::report::Measured;

/// Upper bounds of the buckets, ms: 1-2-5 from a tenth of a millisecond to ten seconds.
const BOUNDS_MS: [f64; 16] =
    [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0];

/// The exposition.
#[must_use]
pub fn text(measured: &Measured) -> String {
    let mut text = String::new();
    // Writing into a `String` cannot fail.
    let _ = write(&mut text, measured);
    text
}

fn write(text: &mut String, measured: &Measured) -> std::fmt::Result {
    if let Some(hops) = &measured.hops {
        head(text, "turbo_hop_seconds", "histogram", "Time of each hop of a frame's way, as the program measured it.")?;
        for (hop, times) in hops.iter().filter(|(_, times)| times.count() > 0) {
            histogram(text, "turbo_hop_seconds", &format!("hop=\"{}\"", hop.name()), times.buckets())?;
        }
    }
    head(text, "turbo_decision_latency_seconds", "histogram", "Capture to decision.")?;
    for (service, stats) in &measured.queries {
        histogram(text, "turbo_decision_latency_seconds", &format!("service=\"{service}\""), stats.latency.buckets())?;
    }
    head(text, "turbo_stage_seconds", "histogram", "Time of each stage on the car.")?;
    for (service, stats) in &measured.queries {
        for ((_, stage), times) in Stage::ALL.iter().zip(&stats.stages).filter(|(_, times)| times.count() > 0) {
            let labels = format!("service=\"{service}\",stage=\"{stage}\"");
            histogram(text, "turbo_stage_seconds", &labels, times.buckets())?;
        }
    }
    head(text, "turbo_cloud_stage_seconds", "histogram", "Time of each stage in the cloud.")?;
    for (service, stats) in &measured.served {
        for ((_, stage, _), times) in ServedStage::ALL.iter().zip(&stats.stages).filter(|(_, times)| times.count() > 0)
        {
            let labels = format!("service=\"{service}\",stage=\"{stage}\"");
            histogram(text, "turbo_cloud_stage_seconds", &labels, times.buckets())?;
        }
    }
    head(text, "turbo_decisions_total", "counter", "Decisions by source.")?;
    for (service, stats) in &measured.queries {
        for (source, count) in &stats.sources {
            writeln!(text, "turbo_decisions_total{{service=\"{service}\",source=\"{}\"}} {count}", escaped(source))?;
        }
    }
    head(text, "turbo_decisions_on_time_total", "counter", "Decisions with a result by the deadline.")?;
    for (service, stats) in &measured.queries {
        writeln!(text, "turbo_decisions_on_time_total{{service=\"{service}\"}} {}", stats.on_time)?;
    }
    Ok(())
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// Label values as the form wants them; sources come from a log's cells.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// `buckets` are HDR's: longest nanoseconds and count, rising; the sum is of those longest times, right to three digits.
fn histogram(
    text: &mut String,
    name: &str,
    labels: &str,
    buckets: impl Iterator<Item = (u64, u64)>,
) -> std::fmt::Result {
    let buckets: Vec<(f64, u64)> = buckets.map(|(ns, count)| (ns as f64 * 1e-6, count)).collect();
    for bound in BOUNDS_MS {
        let below: u64 = buckets.iter().filter(|(ms, _)| *ms <= bound).map(|(_, count)| count).sum();
        writeln!(text, "{name}_bucket{{{labels},le=\"{}\"}} {below}", bound * 1e-3)?;
    }
    let count: u64 = buckets.iter().map(|(_, count)| count).sum();
    let sum: f64 = buckets.iter().map(|(ms, count)| ms * 1e-3 * *count as f64).sum();
    writeln!(
        text,
        "{name}_bucket{{{labels},le=\"+Inf\"}} {count}\n{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_end_with_all() {
        let mut text = String::new();
        histogram(&mut text, "t", "hop=\"a\"", [(1_000_000, 3), (30_000_000, 2), (20_000_000_000, 1)].into_iter())
            .unwrap();
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        assert_eq!(value("t_bucket{hop=\"a\",le=\"0.001\"}"), Some("3"));
        assert_eq!(value("t_bucket{hop=\"a\",le=\"0.05\"}"), Some("5"));
        assert_eq!(value("t_bucket{hop=\"a\",le=\"10\"}"), Some("5"));
        assert_eq!(value("t_bucket{hop=\"a\",le=\"+Inf\"}"), Some("6"));
        assert_eq!(value("t_count{hop=\"a\"}"), Some("6"));
    }
}
