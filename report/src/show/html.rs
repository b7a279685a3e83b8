//! The report as one page that needs nothing else: style and plots are inside.

use std::fmt::Write;

use super::plot::{Line, bar, lines};
use super::{count, duration, losses, ms, optional, percent};
use crate::report::{HopTimes, Point, Quantile, Report};

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#1c2430;\
background:#fff}h1{font-size:1.4em}h2{font-size:1.05em;margin:1.8em 0 .4em}table{border-collapse:collapse;width:100%}\
td,th{padding:.2em .6em;text-align:right;border-bottom:1px solid #e6e9ee;font-variant-numeric:tabular-nums}\
th{font-weight:600;color:#5a6675}td:first-child,th:first-child{text-align:left}.lost{background:#fdecea;padding:.6em 1em;\
border-left:4px solid #c62828}.whole{background:#eaf6ec;padding:.6em 1em;border-left:4px solid #2e7d32}\
.lost li,.whole li{overflow-wrap:anywhere}figure{margin:1em 0}figcaption{font-weight:600}svg{width:100%}\
.bar{width:240px;height:12px}.p99{fill:#bcd4ee}.p50{fill:#2f6fb3}.grid{stroke:#e6e9ee;fill:none}.line{fill:none;\
stroke-width:1.5}text{font-size:10px;fill:#5a6675}.end{text-anchor:end}.a{stroke:#2f6fb3;color:#2f6fb3}\
.b{stroke:#d9822b;color:#d9822b}.c{stroke:#2e7d32;color:#2e7d32}text{stroke:none}";

/// The page.
#[must_use]
pub fn page(report: &Report) -> String {
    let mut page = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    // Writing into a `String` cannot fail.
    let _ = write!(page, "<title>turbo run {}</title><style>{STYLE}</style></head><body>", escaped(&report.run.name));
    let _ = head(&mut page, report);
    let _ = missing(&mut page, report);
    let _ = services(&mut page, report);
    plots(&mut page, report);
    let hops =
        if report.hops.is_empty() { report.services.last().map_or(&[][..], |all| &all.stages) } else { &report.hops };
    let _ = distributions(&mut page, "Where the time goes, ms", hops);
    for cloud in &report.cloud {
        let title = format!(
            "Cloud, service {}: {} requests, {} expired, ms",
            cloud.service,
            count(cloud.requests),
            count(cloud.expired)
        );
        let _ = distributions(&mut page, &title, &cloud.stages);
    }
    let of = report.transport_one_part_in;
    let title = if of > 1 { format!("Transport (1 of {of} parts), ms") } else { "Transport, ms".to_owned() };
    let _ = distributions(&mut page, &title, &report.transport);
    let _ = drops(&mut page, report);
    page.push_str("</body></html>\n");
    page
}

/// Text from file names and log cells as a page may hold it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn head(page: &mut String, report: &Report) -> std::fmt::Result {
    let run = &report.run;
    write!(page, "<h1>Run {}</h1><p>{} · ", escaped(&run.name), duration(run.seconds))?;
    if let Some(host) = &run.host {
        write!(page, "{} · ", escaped(host))?;
    }
    write!(
        page,
        "turbo {} · {} rows of {} parts</p>",
        escaped(run.version.as_deref().unwrap_or("of unknown version")),
        count(run.rows),
        count(run.parts)
    )
}

fn missing(page: &mut String, report: &Report) -> std::fmt::Result {
    let missing = &report.missing;
    if missing.any() {
        write!(page, "<div class=\"lost\"><strong>Missing:</strong> {}", losses(missing))?;
    } else {
        write!(page, "<div class=\"whole\">Nothing missing, nothing dropped")?;
    }
    if !missing.findings.is_empty() {
        page.push_str("<ul>");
        for finding in &missing.findings {
            let row = finding.row.map_or_else(String::new, |row| format!(" row {row}"));
            write!(page, "<li>{}{row}: {}</li>", escaped(&finding.file), escaped(&finding.text))?;
        }
        page.push_str("</ul>");
    }
    write!(page, "</div>")
}

fn services(page: &mut String, report: &Report) -> std::fmt::Result {
    page.push_str(
        "<h2>Services</h2><table><tr><th>service<th>frames<th>on time<th>slo ms<th>cloud<th>vehicle<th>none<th>p50<th>p95\
         <th>p99<th>max ms<th>Mbit/s</tr>",
    );
    for service in &report.services {
        let share = |source: &str| percent(service.from(source) as f64 / service.frames.max(1) as f64);
        write!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}",
            service.name(),
            count(service.frames),
            optional(service.attainment, percent),
            optional(service.slo_ms, ms)
        )?;
        write!(page, "<td>{}<td>{}<td>{}", share("cloud"), share("vehicle"), share("none"))?;
        let quantiles: [fn(&Quantile) -> f64; 4] = [|all| all.p50, |all| all.p95, |all| all.p99, |all| all.max];
        for of in quantiles {
            write!(page, "<td>{}", optional(service.latency_ms.as_ref(), |latency| ms(of(latency))))?;
        }
        write!(page, "<td>{:.2}</tr>", service.uplink_mbps)?;
    }
    page.push_str("</table>");
    Ok(())
}

fn plots(page: &mut String, report: &Report) {
    let points = &report.series.points;
    let seconds = report.series.seconds_per_point * points.len() as f64;
    let line =
        |name, class, of: fn(&Point) -> Option<f64>| Line { name, class, values: points.iter().map(of).collect() };
    page.push_str("<h2>Over the run</h2>");
    let on_time = [line("share", "a", |point| point.on_time_share().map(|share| share * 100.0))];
    page.push_str(&lines("On time, %", &on_time, seconds));
    page.push_str(&lines("Capture to decision, ms", &[line("mean", "a", |point| point.latency_ms)], seconds));
    let uplink = [
        line("available", "c", |point| point.available_mbps),
        line("allocated", "b", |point| point.allocated_mbps),
        line("used", "a", |point| point.used_mbps),
    ];
    page.push_str(&lines("Uplink, Mbit/s", &uplink, seconds));
    let utility = [
        line("expected", "b", |point| point.utility_expected),
        line("delivered", "a", |point| point.utility_delivered),
        line("vehicle alone", "c", |point| point.utility_on_vehicle),
    ];
    page.push_str(&lines("Utility", &utility, seconds));
    page.push_str(&lines("Round trip, ms", &[line("mean", "a", |point| point.rtt_ms)], seconds));
}

fn distributions(page: &mut String, title: &str, hops: &[HopTimes]) -> std::fmt::Result {
    if hops.is_empty() {
        return Ok(());
    }
    write!(page, "<h2>{title}</h2><table><tr><th>hop<th>count<th>p50<th>p95<th>p99<th>p99.9<th>max<th>p50, p99</tr>")?;
    let highest = hops.iter().map(|hop| hop.ms.p99).fold(0.0, f64::max);
    for hop in hops {
        let Quantile { count: number, p50, p95, p99, p999, max } = hop.ms;
        write!(page, "<tr><td>{}<td>{}", escaped(&hop.name), count(number))?;
        for value in [p50, p95, p99, p999, max] {
            write!(page, "<td>{}", ms(value))?;
        }
        write!(page, "<td>{}</tr>", bar(p50, p99, highest))?;
    }
    page.push_str("</table>");
    Ok(())
}

fn drops(page: &mut String, report: &Report) -> std::fmt::Result {
    if report.drops.is_empty() {
        return Ok(());
    }
    page.push_str("<h2>Dropped</h2><table><tr><th>reason<th>frames</tr>");
    for (reason, number) in &report.drops {
        write!(page, "<tr><td>{}<td>{}</tr>", escaped(reason), count(*number))?;
    }
    page.push_str("</table>");
    Ok(())
}
