//! What a measurement leaves: rows, ratios between them, the machine, and what was left out; as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::hop::{About, Plan};
use crate::host::Host;
use crate::samples::Summary;
use crate::seat::Placement;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured; unique together with the placement and the size.
    pub name: String,
    /// Where the two ends sat.
    pub placement: Placement,
    /// Bytes handed over in each direction.
    pub bytes: usize,
    /// Latency of one round trip.
    #[serde(flatten)]
    pub round_trip: Summary,
    /// Half of the median round trip.
    pub one_way_p50_ns: u64,
    /// Round trips of each round that counted.
    pub calls: usize,
    /// Round trips before those that counted.
    pub warm_up: usize,
    /// How an end waits.
    pub wait: &'static str,
    /// Threads or processes.
    pub between: crate::hop::Between,
    /// Whether it is turbo's.
    pub ours: bool,
    /// Of frames: mean time of one direction, t / (2 n).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<u64>,
    /// Of frames: 2 bytes n / t, in megabytes (10⁶ bytes) a second. A lease moves no bytes: its bandwidth says how many
    /// would have had to be moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth_mb_s: Option<f64>,
}

impl Row {
    /// The row of a pair.
    #[must_use]
    pub fn hop(about: About, placement: Placement, bytes: usize, plan: Plan, round_trip: Summary) -> Self {
        Self {
            name: about.name.to_owned(),
            placement,
            bytes,
            round_trip,
            one_way_p50_ns: round_trip.p50_ns / 2,
            calls: plan.calls,
            warm_up: plan.warm_up,
            wait: about.wait,
            between: about.between,
            ours: about.ours,
            latency_ns: None,
            bandwidth_mb_s: None,
        }
    }

    /// The row of a way of handing over frames of `bytes`.
    #[must_use]
    pub fn frame(about: About, placement: Placement, bytes: usize, plan: Plan, round_trip: Summary) -> Self {
        let mean_ns = round_trip.mean_ns.max(1);
        Self {
            latency_ns: Some(mean_ns / 2),
            // Bytes in nanoseconds are gigabytes in seconds.
            bandwidth_mb_s: Some(2.0 * bytes as f64 / mean_ns as f64 * 1e3),
            ..Self::hop(about, placement, bytes, plan, round_trip)
        }
    }
}

/// How many times faster one row is than another, by their median round trips.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    /// The faster row, where the claim holds.
    pub of: String,
    /// The row that it is compared with.
    pub against: String,
    /// Where both sat.
    pub placement: Placement,
    /// Bytes of both.
    pub bytes: usize,
    /// `against` / `of`.
    pub times_faster: f64,
    /// What is claimed.
    pub at_least: f64,
    /// Whether it held in this run.
    pub holds: bool,
}

/// The ratio of two rows.
#[must_use]
pub fn ratio(of: &Row, against: &Row, at_least: f64) -> Ratio {
    let times_faster = against.round_trip.p50_ns as f64 / of.round_trip.p50_ns.max(1) as f64;
    Ratio {
        of: of.name.clone(),
        against: against.name.clone(),
        placement: of.placement,
        bytes: of.bytes,
        times_faster,
        at_least,
        holds: times_faster >= at_least,
    }
}

/// Something that was not measured here.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// What.
    pub name: String,
    /// Where.
    pub placement: Placement,
    /// Why.
    pub reason: String,
}

/// Everything that a run leaves.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The rows.
    pub rows: Vec<Row>,
    /// The claims, by name.
    pub ratios: BTreeMap<String, Ratio>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// The machine.
    pub host: Host,
}

impl Report {
    /// Leaves something out, and says so on stderr.
    pub fn skip(&mut self, name: &str, placement: Placement, reason: &str) {
        eprintln!("SKIPPED: {name}, {placement}: {reason}");
        self.skipped.push(Skipped { name: name.to_owned(), placement, reason: reason.to_owned() });
    }

    /// The names of the claims that did not hold.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let broken = self.ratios.iter().filter(|(_, ratio)| !ratio.holds);
        broken
            .map(|(name, ratio)| format!("{name}: {:.2} times, {} claimed", ratio.times_faster, ratio.at_least))
            .collect()
    }

    /// The table of round trips, for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<46} {:<10} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10}  {:<17} {:>9}  waits",
            "round trip, us", "placement", "bytes", "p50", "p95", "p99", "p99.9", "max", "p50 of the rounds", "calls"
        );
        for row in &self.rows {
            let of = &row.round_trip;
            let [least, most] = of.p50_spread_ns;
            let _ = writeln!(
                text,
                "{:<46} {:<10} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10}  {:<17} {:>9}  {}",
                row.name,
                row.placement,
                row.bytes,
                us(of.p50_ns),
                us(of.p95_ns),
                us(of.p99_ns),
                us(of.p999_ns),
                us(of.max_ns),
                format!("{}..{} ({})", us(least), us(most), of.rounds),
                row.calls,
                row.wait
            );
        }
        if !self.ratios.is_empty() {
            let _ = writeln!(text, "\nratios of median round trips");
        }
        for (name, ratio) in &self.ratios {
            let Ratio { of, against, times_faster, at_least, holds, .. } = ratio;
            let verdict = if *holds { "holds" } else { "DOES NOT HOLD" };
            let _ = writeln!(
                text,
                "{name:<40} {times_faster:>10.2} x  (claimed: {at_least:>7.2}; {verdict})  {of} / {against}"
            );
        }
        for Skipped { name, placement, reason } in &self.skipped {
            let _ = writeln!(text, "skipped: {name}, {placement}: {reason}");
        }
        let _ = write!(text, "\n{}", self.host);
        text
    }
}

fn us(ns: u64) -> String {
    format!("{:.2}", ns as f64 / 1e3)
}
