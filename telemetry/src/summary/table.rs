//! The summary as a terminal shows it.

use std::fmt::Write;

use super::{LatencyMs, Summary};
use crate::collector::CollectorReport;
use crate::records::{NoneReason, Outcome};
use crate::stats::ServiceStats;

/// What is missing comes first, so that no number below is taken for more than it is.
pub(super) fn table(summary: &Summary, report: &CollectorReport) -> String {
    let mut text = String::new();
    // Writing into a `String` cannot fail.
    let _ = losses(&mut text, summary, report);
    let _ = decisions(&mut text, summary);
    let _ = counts(&mut text, &report.stats.total());
    let _ = hops(&mut text, summary);
    let _ = ending(&mut text, summary);
    text
}

fn losses(text: &mut String, summary: &Summary, report: &CollectorReport) -> std::fmt::Result {
    if summary.frames != summary.decisions {
        writeln!(text, "WARNING  {} frames captured, {} decisions recorded", summary.frames, summary.decisions)?;
    }
    if report.records_dropped > 0 {
        writeln!(text, "WARNING  {} telemetry records lost: a ring was full", report.records_dropped)?;
    }
    if report.logs.rows_lost > 0 {
        let reason = report.logs.last_error.as_deref().unwrap_or("reason unknown");
        writeln!(text, "WARNING  {} log rows lost: {reason}", report.logs.rows_lost)?;
    }
    if report.logs.rows_waiting > 0 {
        let reason = report.logs.last_error.as_deref().unwrap_or("reason unknown");
        let rows = report.logs.rows_waiting;
        writeln!(text, "WARNING  {rows} log rows wait in journals; `turbo recover` makes parts of them: {reason}")?;
    }
    if report.cut_short {
        writeln!(text, "WARNING  a thread was still running at the end; its last records may be missing")?;
    }
    Ok(())
}

fn decisions(text: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(
        text,
        "\n{:<10} {:>9} {:>9} {:>15} {:>15} {:>15}   {:>8} {:>8} {:>8} {:>8}   {:>7}",
        "service", "decisions", "late", "cloud", "vehicle", "none", "p50 ms", "p95 ms", "p99 ms", "max ms", "Mbit/s"
    )?;
    for service in &summary.services {
        let counts = [service.from_cloud, service.from_vehicle, service.none];
        let number = service.service.to_string();
        let (decisions, late) = (service.decisions, service.decisions_late);
        row(text, &number, decisions, late, counts, &service.latency_ms, service.uplink_mbps)?;
    }
    let counts = [summary.from_cloud, summary.from_vehicle, summary.none];
    let (decisions, late) = (summary.decisions, summary.decisions_late);
    row(text, "all", decisions, late, counts, &summary.latency_ms, summary.uplink_mbps)
}

fn row(
    text: &mut String,
    name: &str,
    decisions: u64,
    late: u64,
    sources: [u64; 3],
    latency: &LatencyMs,
    mbps: f64,
) -> std::fmt::Result {
    write!(text, "{name:<10} {decisions:>9} {late:>9}")?;
    for count in sources {
        let percent = if decisions > 0 { count as f64 * 100.0 / decisions as f64 } else { 0.0 };
        write!(text, " {:>15}", format!("{count} ({percent:.1} %)"))?;
    }
    write!(text, "  ")?;
    for time in [latency.p50, latency.p95, latency.p99, latency.max] {
        write!(text, " {:>8}", time.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}")))?;
    }
    writeln!(text, "   {mbps:>7.2}")
}

fn counts(text: &mut String, total: &ServiceStats) -> std::fmt::Result {
    let outcomes: Vec<String> = Outcome::ALL
        .iter()
        .map(|&outcome| (outcome.name(), total.with_outcome(outcome)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if !outcomes.is_empty() {
        writeln!(text, "\nrequests to the cloud: {}", outcomes.join(", "))?;
    }
    let reasons: Vec<String> = NoneReason::ALL
        .iter()
        .map(|&reason| (reason.name(), total.none_because(reason)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if !reasons.is_empty() {
        writeln!(text, "decisions without a result: {}", reasons.join(", "))?;
    }
    Ok(())
}

fn hops(text: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.hops_us.0.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{:<20} {:>10} {:>10}", "hop", "p50 ms", "p99 ms")?;
    for (name, times) in &summary.hops_us.0 {
        writeln!(text, "{name:<20} {:>10.3} {:>10.3}", times.p50 * 1e-3, times.p99 * 1e-3)?;
    }
    Ok(())
}

fn ending(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let shown = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.3}"));
    let accuracy = &summary.accuracy;
    write!(
        text,
        "\naccuracy   delivered {}, on-vehicle only {}",
        shown(accuracy.delivered),
        shown(accuracy.on_vehicle_only)
    )?;
    match accuracy.delivered.zip(accuracy.on_vehicle_only) {
        Some((delivered, alone)) => writeln!(text, " ({:+.3})", delivered - alone)?,
        None => writeln!(text)?,
    }
    writeln!(text, "deadline   {:.0} ms after capture; {} late", summary.slo_ms, summary.decisions_late)?;
    writeln!(text, "logs       {}", summary.run_dir)
}
