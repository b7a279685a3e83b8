//! The run's course in sparklines, all over one time.

use std::fmt::Write;

use super::{duration, ms, optional, percent, spark};
use crate::report::{Point, Report};

/// Characters of a sparkline over the run's time.
const WIDTH: usize = 48;

pub(super) fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let points = &report.series.points;
    if points.is_empty() {
        return Ok(());
    }
    let series = |of: fn(&Point) -> Option<f64>| points.iter().map(of).collect::<Vec<_>>();
    let highest = |of: &[Option<f64>]| of.iter().flatten().copied().fold(0.0, f64::max);
    let (bandwidth, utility) = (&report.bandwidth, report.utility);
    let rates = [
        ("available", bandwidth.available_mbps, series(|point| point.available_mbps)),
        ("allocated", bandwidth.allocated_mbps, series(|point| point.allocated_mbps)),
        ("used", bandwidth.used_mbps, series(|point| point.used_mbps)),
    ];
    let utilities = [
        ("expected", utility.map(|utility| utility.expected), series(|point| point.utility_expected)),
        ("delivered", utility.map(|utility| utility.delivered), series(|point| point.utility_delivered)),
        ("vehicle alone", utility.map(|utility| utility.on_vehicle), series(|point| point.utility_on_vehicle)),
    ];
    let on_time = series(Point::on_time_share);
    let attainment = report.services.last().and_then(|all| all.attainment);
    writeln!(text, "\n{:<24} {:>9}   over the run's {}", "", "mean", duration(report.run.seconds))?;
    line(text, "on time", optional(attainment, percent), &on_time, 1.0)?;
    let latency = series(|point| point.latency_ms);
    let mean = report.services.last().and_then(|all| all.latency_ms).map(|latency| latency.p50);
    line(text, "latency ms (p50)", optional(mean, ms), &latency, highest(&latency))?;
    let top = rates.iter().map(|(_, _, series)| highest(series)).fold(0.0, f64::max);
    for (name, mean, series) in &rates {
        line(text, &format!("uplink Mbit/s {name}"), optional(*mean, |mean| format!("{mean:.2}")), series, top)?;
    }
    let top = utilities.iter().map(|(_, _, series)| highest(series)).fold(0.0, f64::max);
    for (name, mean, series) in &utilities {
        line(text, &format!("utility {name}"), optional(*mean, |mean| format!("{mean:.3}")), series, top)?;
    }
    let rtt = series(|point| point.rtt_ms);
    line(text, "round trip ms (p50)", optional(bandwidth.rtt_ms, |rtt| ms(rtt.p50)), &rtt, highest(&rtt))
}

fn line(text: &mut String, name: &str, mean: String, series: &[Option<f64>], top: f64) -> std::fmt::Result {
    if series.iter().all(Option::is_none) {
        return Ok(());
    }
    writeln!(text, "{name:<24} {mean:>9}   {}", spark(series, WIDTH, 0.0, top).trim_end())
}
