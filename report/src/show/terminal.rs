//! The report in a terminal: what is missing first, then the objective, then where the time went.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{count, duration, losses, ms, optional, over_time, percent, spark};
use crate::finding::{Finding, Severity};
use crate::report::{HopTimes, Quantile, Report, ServiceReport};

/// Steps of the transport that are worth a line, by their p99.
const SLOW_MS: f64 = 1.0;
/// Findings that are shown; all are in the JSON.
const FINDINGS: usize = 12;

/// The whole report as text.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing into a `String` cannot fail.
    let _ = head(&mut text, report);
    let _ = missing(&mut text, report);
    if !report.services.iter().all(|service| service.frames == 0) {
        let _ = services(&mut text, report);
    }
    let _ = hops(&mut text, report);
    let _ = cloud(&mut text, report);
    let _ = over_time::write(&mut text, report);
    let _ = ending(&mut text, report);
    text
}

fn head(text: &mut String, report: &Report) -> std::fmt::Result {
    let run = &report.run;
    let version = run.version.as_ref().map(|version| format!("turbo {version}"));
    let revision = run.git_revision.as_ref().map(|revision| revision.chars().take(10).collect());
    let words = [Some(run.name.clone()), run.host.clone(), version, revision, Some(duration(run.seconds))];
    writeln!(text, "{}", words.into_iter().flatten().collect::<Vec<_>>().join(" · "))?;
    if !run.others.is_empty() {
        writeln!(text, "{} other runs lie beside it; name one to see it", run.others.len())?;
    }
    Ok(())
}

fn missing(text: &mut String, report: &Report) -> std::fmt::Result {
    let missing = &report.missing;
    let said = losses(missing);
    let (rows, parts) = (count(report.run.rows), count(report.run.parts));
    let read = match report.transport_one_part_in {
        0 | 1 => format!("{rows} rows of {parts} parts read"),
        // Damage in the others is not seen; `--verify` reads all.
        of => format!("{rows} rows of {parts} parts read, of log type 8 one part in {of}"),
    };
    if missing.any() {
        writeln!(text, "\nMISSING  {said} ({read})")?;
    } else if said.is_empty() {
        writeln!(text, "\nnothing missing, nothing dropped: {read}")?;
    } else {
        writeln!(text, "\nnothing missing, but {said} ({read})")?;
    }
    findings(text, &missing.findings, FINDINGS)
}

/// Findings, one a line, the first `most` of them.
pub(crate) fn findings(text: &mut String, findings: &[Finding], most: usize) -> std::fmt::Result {
    for finding in findings.iter().take(most) {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let row = finding.row.map_or_else(String::new, |row| format!(" row {row}"));
        writeln!(text, "  {word:<7}  {}{row}: {}", finding.file, finding.text)?;
    }
    if findings.len() > most {
        writeln!(text, "  {} more; --json has all", findings.len() - most)?;
    }
    Ok(())
}

fn services(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        text,
        "\n{:<8} {:>10} {:>8} {:>6}   {:>7} {:>7} {:>7}   {:>6} {:>6} {:>6} {:>6} ms   {:>7}",
        "service", "frames", "on time", "slo ms", "cloud", "vehicle", "none", "p50", "p95", "p99", "max", "Mbit/s"
    )?;
    // One service alone is all services.
    let rows = if report.services.len() == 2 { 1 } else { report.services.len() };
    for service in report.services.iter().take(rows) {
        let share = |source: &str| percent(service.from(source) as f64 / service.frames.max(1) as f64);
        let quantile = |of: fn(&Quantile) -> f64| optional(service.latency_ms.as_ref(), |latency| ms(of(latency)));
        writeln!(
            text,
            "{:<8} {:>10} {:>8} {:>6}   {:>7} {:>7} {:>7}   {:>6} {:>6} {:>6} {:>6}      {:>7.2}",
            service.name(),
            count(service.frames),
            optional(service.attainment, percent),
            optional(service.slo_ms, |slo| format!("{slo:.0}")),
            share("cloud"),
            share("vehicle"),
            share("none"),
            quantile(|latency| latency.p50),
            quantile(|latency| latency.p95),
            quantile(|latency| latency.p99),
            quantile(|latency| latency.max),
            service.uplink_mbps,
        )?;
    }
    Ok(())
}

fn hops(text: &mut String, report: &Report) -> std::fmt::Result {
    let all = report.services.last();
    // Without the program's own histograms, the columns of log type 1 tell the car's part of the way.
    let hops =
        if report.hops.is_empty() { all.map_or(&[][..], |all: &ServiceReport| &all.stages) } else { &report.hops };
    table(text, "hop, ms", hops)?;
    let (slow, quick): (Vec<_>, Vec<_>) = report.transport.iter().cloned().partition(|step| step.ms.p99 >= SLOW_MS);
    let of = report.transport_one_part_in;
    let title = if of > 1 { format!("transport, ms (1 of {of} parts)") } else { "transport, ms".to_owned() };
    table(text, &title, &slow)?;
    match quick.len() {
        0 => Ok(()),
        steps => writeln!(text, "{steps} steps more of the transport, each below {SLOW_MS:.0} ms at p99"),
    }
}

fn table(text: &mut String, title: &str, hops: &[HopTimes]) -> std::fmt::Result {
    if hops.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n{title:<38} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}   shape, min to max (log)",
        "count", "p50", "p95", "p99", "p99.9", "max"
    )?;
    for hop in hops {
        let tallest = hop.shape.iter().copied().fold(0.0, f64::max);
        let shape: Vec<Option<f64>> = hop.shape.iter().map(|share| (*share > 0.0).then_some(*share)).collect();
        writeln!(
            text,
            "{:<38} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}   {}",
            hop.name,
            count(hop.ms.count),
            ms(hop.ms.p50),
            ms(hop.ms.p95),
            ms(hop.ms.p99),
            ms(hop.ms.p999),
            ms(hop.ms.max),
            spark(&shape, shape.len(), 0.0, tallest).trim_end()
        )?;
    }
    Ok(())
}

fn cloud(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.cloud.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n{:<8} {:>10} {:>8} {:>6}   {:>17} {:>17} {:>17} ms",
        "cloud", "requests", "expired", "batch", "queue p50 p99", "prepare p50 p99", "inference p50 p99"
    )?;
    for cloud in &report.cloud {
        let stage = |name: &str| {
            let stage = cloud.stages.iter().find(|stage| stage.name == name);
            optional(stage, |stage| format!("{} {:>8}", ms(stage.ms.p50), ms(stage.ms.p99)))
        };
        let (requests, expired) = (count(cloud.requests), count(cloud.expired));
        writeln!(
            text,
            "{:<8} {requests:>10} {expired:>8} {:>6.1}   {:>17} {:>17} {:>17}",
            cloud.service,
            cloud.mean_batch,
            stage("queue"),
            stage("prepare"),
            stage("inference")
        )?;
    }
    let cars: BTreeSet<&String> = report.cloud.iter().flat_map(|cloud| cloud.cars.keys()).collect();
    if cars.len() > 1 {
        writeln!(text, "of {} cars, all those that this cloud served; --json has each one's requests", cars.len())?;
    }
    Ok(())
}

fn ending(text: &mut String, report: &Report) -> std::fmt::Result {
    let bandwidth = &report.bandwidth;
    let list = |counts: &mut dyn Iterator<Item = (&String, &u64)>| {
        counts.map(|(name, number)| format!("{name} {}", count(*number))).collect::<Vec<_>>().join(" · ")
    };
    writeln!(text)?;
    if !report.drops.is_empty() {
        writeln!(text, "dropped     {}", list(&mut report.drops.iter()))?;
    }
    if bandwidth.pings > 0 {
        let rtt = optional(bandwidth.ping_ms, |ping| format!("p50 {} ms, p99 {} ms", ms(ping.p50), ms(ping.p99)));
        writeln!(text, "pings       {} sent, {} lost, {rtt}", count(bandwidth.pings), count(bandwidth.pings_lost))?;
    }
    if !bandwidth.policies.is_empty() {
        let solve = optional(bandwidth.solve_ms, |solve| {
            format!("solved in p50 {} ms, max {} ms", ms(solve.p50), ms(solve.max))
        });
        writeln!(text, "allocations {}; {solve}", list(&mut bandwidth.policies.iter()))?;
    }
    if let Some(all) = report.services.last().filter(|all| !all.models.is_empty()) {
        let mut models: Vec<_> = all.models.iter().collect();
        models.sort_by_key(|(_, frames)| std::cmp::Reverse(**frames));
        let share = |frames: u64| percent(frames as f64 / all.frames.max(1) as f64);
        let shown: Vec<String> = models
            .iter()
            .take(4)
            .map(|(name, frames)| format!("{} {}", crate::text::plain(name), share(**frames)))
            .collect();
        let more = if models.len() > 4 { format!(" · {} more", models.len() - 4) } else { String::new() };
        writeln!(text, "models      {}{more}", shown.join(" · "))?;
    }
    Ok(())
}
