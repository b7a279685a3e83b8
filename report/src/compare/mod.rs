//! Two runs beside each other: what differs, by how much, and whether that is more than chance.

mod bootstrap;
mod table;

use serde::Serialize;

use crate::report::{Missing, Point, Quantile, Report, ServiceReport};
use bootstrap::difference;

pub use table::text;

/// One quantity in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// In the first run.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
    /// Second less first.
    pub difference: Option<f64>,
    /// Second by first.
    pub ratio: Option<f64>,
    /// 95 % interval of the difference, where there is one.
    pub interval: Option<[f64; 2]>,
    /// Frames (or times) that it comes from, in each run.
    pub samples: [u64; 2],
}

/// Two runs.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The first's name.
    pub a: String,
    /// The second's name.
    pub b: String,
    /// What the first lacks.
    pub missing_a: Missing,
    /// What the second lacks.
    pub missing_b: Missing,
    /// Every quantity.
    pub rows: Vec<Row>,
}

impl Row {
    fn new(name: &str, a: Option<f64>, b: Option<f64>, samples: [u64; 2]) -> Self {
        let both = a.zip(b);
        Self {
            name: name.to_owned(),
            a,
            b,
            difference: both.map(|(a, b)| b - a),
            ratio: both.filter(|(a, _)| *a != 0.0).map(|(a, b)| b / a),
            interval: None,
            samples,
        }
    }
}

/// Compares the second run with the first.
#[must_use]
pub fn compare(a: &Report, b: &Report) -> Comparison {
    let mut rows = Vec::new();
    let mut both: Vec<(Option<&ServiceReport>, Option<&ServiceReport>)> = Vec::new();
    for service in &a.services {
        both.push((Some(service), b.services.iter().find(|other| other.service == service.service)));
    }
    let new = b.services.iter().filter(|service| !a.services.iter().any(|other| other.service == service.service));
    both.extend(new.map(|service| (None, Some(service))));
    for (of_a, of_b) in both {
        services(&mut rows, of_a, of_b);
    }
    let frames = |report: &Report| report.services.last().map_or(0, |all| all.frames);
    let samples = [frames(a), frames(b)];
    let attainment = difference(a, b, |point: &Point| [point.on_time, point.frames]);
    let latency = difference(a, b, |point| [point.latency_ms.unwrap_or(0.0) * point.frames, point.frames]);
    if let Some(row) = rows.iter_mut().find(|row| row.name == "all: on time") {
        row.interval = attainment.map(|(_, interval)| interval);
    }
    if let Some(((a, b), interval)) = latency {
        rows.push(Row { interval: Some(interval), ..Row::new("all: latency mean ms", Some(a), Some(b), samples) });
    }
    let mut add = |name: &str, of: fn(&Report) -> Option<f64>| rows.push(Row::new(name, of(a), of(b), samples));
    add("uplink available Mbit/s", |report| report.bandwidth.available_mbps);
    add("uplink allocated Mbit/s", |report| report.bandwidth.allocated_mbps);
    add("uplink used Mbit/s", |report| report.bandwidth.used_mbps);
    add("utility expected", |report| report.utility.map(|utility| utility.expected));
    add("utility delivered", |report| report.utility.map(|utility| utility.delivered));
    add("round trip p50 ms", |report| report.bandwidth.rtt_ms.map(|rtt| rtt.p50));
    for hop in &a.hops {
        let other = b.hops.iter().find(|other| other.name == hop.name).map(|other| &other.ms);
        quantiles(&mut rows, &hop.name, Some(&hop.ms), other);
    }
    let missing = (a.missing.clone(), b.missing.clone());
    rows.retain(|row| row.a.is_some() || row.b.is_some());
    Comparison { a: a.run.name.clone(), b: b.run.name.clone(), missing_a: missing.0, missing_b: missing.1, rows }
}

fn services(rows: &mut Vec<Row>, a: Option<&ServiceReport>, b: Option<&ServiceReport>) {
    let Some(name) = a.or(b).map(|service| match service.service {
        Some(service) => format!("service {service}"),
        None => "all".to_owned(),
    }) else {
        return;
    };
    let frames = |service: Option<&ServiceReport>| service.map_or(0, |service| service.frames);
    let samples = [frames(a), frames(b)];
    let mut add = |what: &str, of: &dyn Fn(&ServiceReport) -> Option<f64>| {
        rows.push(Row::new(&format!("{name}: {what}"), a.and_then(of), b.and_then(of), samples));
    };
    add("on time", &|service| service.attainment);
    for source in ["cloud", "vehicle", "none"] {
        add(&format!("from {source}"), &|service| Some(service.from(source) as f64 / service.frames.max(1) as f64));
    }
    let latency = |service: Option<&ServiceReport>| service.and_then(|service| service.latency_ms);
    quantiles(rows, &format!("{name}: latency"), latency(a).as_ref(), latency(b).as_ref());
}

fn quantiles(rows: &mut Vec<Row>, name: &str, a: Option<&Quantile>, b: Option<&Quantile>) {
    let count = |of: Option<&Quantile>| of.map_or(0, |of| of.count);
    let samples = [count(a), count(b)];
    let mut add = |word: &str, of: fn(&Quantile) -> f64| {
        rows.push(Row::new(&format!("{name} {word} ms"), a.map(of), b.map(of), samples));
    };
    add("p50", |times| times.p50);
    add("p99", |times| times.p99);
}
