//! The sweep over sizes, what follows from it, and the report.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Costs, FRAME_BYTES, arena_processes, pairs, prototype, stream};
use crate::error::{BenchError, Result};
use crate::hop::Plan;
use crate::report::{Report, Row, ratio};
use crate::samples::{Quantiles, Summary};
use crate::seat::{Placement, Seats, usable_cores};

/// Bytes of a frame, from the smallest to the largest message that is accepted; 6,220,800 is 1080p RGB.
pub const SIZES: [usize; 9] = [8, 64, 512, 4096, 32_768, 262_144, 2_097_152, FRAME_BYTES, 50_000_000];

/// Bytes that a round moves in each direction, where that does not make too few or too many calls.
const ROUND_BYTES: usize = 2_000_000_000;
const CALLS: std::ops::RangeInclusive<usize> = 30..=10_000;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sizes, in order.
    pub sizes: Vec<usize>,
    /// Rounds of every way.
    pub rounds: usize,
    /// Divides the calls of a round; 1 for the whole protocol.
    pub divide_calls: usize,
    /// Whether the peers that are Python programs take part.
    pub python: bool,
}

/// What the sweep leaves: the report, the costs of a hand-over, and from which size on ours is the fastest.
#[derive(Debug, Serialize)]
pub struct FrameReport {
    /// Rows, ratios, host.
    #[serde(flatten)]
    pub report: Report,
    /// System calls, heap calls and copied bytes.
    pub hand_over: Costs,
    /// From which size on one way is faster than another.
    pub crossovers: Vec<Crossover>,
}

/// From which size on one way is faster than another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Crossover {
    /// The one.
    pub of: &'static str,
    /// The other.
    pub against: String,
    /// The smallest size of the sweep from which on it is faster at every size; `null` for none.
    pub from_bytes: Option<usize>,
}

/// Calls of a round of frames of `bytes`.
fn plan(bytes: usize, options: &Options) -> Plan {
    let calls = (ROUND_BYTES / bytes.max(1)).clamp(*CALLS.start(), *CALLS.end()) / options.divide_calls.max(1);
    let calls = calls.max(1);
    Plan { warm_up: calls.div_ceil(10), calls }
}

/// Measures every way at every size, in turns.
///
/// # Errors
/// A way that was there and failed.
pub fn run(options: &Options) -> Result<(Report, Vec<Crossover>)> {
    let cores = usable_cores();
    let mut report = Report::default();
    let (placement, seats) = match Seats::among(&cores, Placement::OtherCore) {
        Some(seats) => (Placement::OtherCore, seats),
        None => {
            report.skip("every way", Placement::OtherCore, "this process may use one core only; both ends share it");
            let seats = Seats::among(&cores, Placement::SameCore);
            (Placement::SameCore, seats.ok_or_else(|| BenchError::Usage("this process may use no core".into()))?)
        }
    };
    for &bytes in &options.sizes {
        at_size(bytes, options, placement, seats, &mut report)?;
    }
    let at_frame = |name: &str| report.rows.iter().find(|row| row.name == name && row.bytes == FRAME_BYTES);
    let claims = [
        ("frame_vs_prototype", prototype::PROTOTYPE, 1000.0),
        ("frame_vs_pipe", stream::PIPE, 1.0),
        ("frame_vs_vmsplice", stream::VMSPLICE, 1.0),
    ];
    let ratios = claims.into_iter().filter_map(|(claim, peer, at_least)| {
        Some((claim.to_owned(), ratio(at_frame(arena_processes::LEASE)?, at_frame(peer)?, at_least)))
    });
    report.ratios = ratios.collect();
    let ours = [arena_processes::LEASE, arena_processes::COPIED_IN];
    let mut crossovers: Vec<Crossover> = ours.into_iter().flat_map(|ours| crossovers(&report.rows, ours)).collect();
    crossovers.extend(crossover(&report.rows, stream::VMSPLICE, stream::PIPE));
    Ok((report, crossovers))
}

fn at_size(bytes: usize, options: &Options, placement: Placement, seats: Seats, report: &mut Report) -> Result<()> {
    let plan = plan(bytes, options);
    let pairs = pairs(bytes, options.python);
    let mut tables: Vec<Vec<Quantiles>> = vec![Vec::new(); pairs.len()];
    for round in 0..options.rounds {
        for (pair, table) in pairs.iter().zip(&mut tables) {
            let name = pair.about().name;
            match pair.round(&plan, seats) {
                Ok(mut samples) => table.extend(Quantiles::of(&mut samples)),
                Err(BenchError::Python(reason)) if round > 0 => drop(reason),
                Err(BenchError::Python(reason)) => report.skip(&format!("{name}, {bytes} bytes"), placement, &reason),
                Err(error) => {
                    return Err(BenchError::Library { what: name, reason: format!("{bytes} bytes: {error}") });
                }
            }
        }
    }
    for (pair, table) in pairs.iter().zip(&tables) {
        if let Some(summary) = Summary::of(table) {
            eprintln!("{bytes:>9} bytes: {:<46} p50 {} ns", pair.about().name, summary.p50_ns);
            report.rows.push(Row::frame(pair.about(), placement, bytes, plan, summary));
        }
    }
    Ok(())
}

/// `of` against every way that is not turbo's.
fn crossovers(rows: &[Row], of: &'static str) -> Vec<Crossover> {
    let mut others: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| !row.ours) {
        if !others.contains(&row.name.as_str()) {
            others.push(&row.name);
        }
    }
    others.into_iter().filter_map(|against| crossover(rows, of, against)).collect()
}

/// `None` where the two have no size in common.
fn crossover(rows: &[Row], of: &'static str, against: &str) -> Option<Crossover> {
    let median = |name: &str, bytes: usize| {
        rows.iter().find(|row| row.name == name && row.bytes == bytes).map(|row| row.round_trip.p50_ns)
    };
    let sizes = rows.iter().filter(|row| row.name == against).map(|row| row.bytes);
    let mut both: Vec<_> =
        sizes.filter_map(|bytes| Some((bytes, median(of, bytes)?, median(against, bytes)?))).collect();
    both.sort_unstable();
    both.first()?;
    let from_bytes = both.iter().rev().take_while(|(_, of, against)| of < against).last().map(|&(bytes, ..)| bytes);
    Some(Crossover { of, against: against.to_owned(), from_bytes })
}

impl FrameReport {
    /// The table, for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = self.report.table();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}", self.hand_over);
        for Crossover { of, against, from_bytes } in &self.crossovers {
            let _ = match from_bytes {
                Some(bytes) => writeln!(text, "{of} is faster than {against} from {bytes} bytes on"),
                None => writeln!(text, "{of} is not faster than {against} at the largest size"),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hop::About;

    fn row(name: &'static str, bytes: usize, p50_ns: u64) -> Row {
        let quantiles = Quantiles { p50_ns, p95_ns: 0, p99_ns: 0, p999_ns: 0, max_ns: 0, mean_ns: p50_ns };
        let summary = Summary::of(&[quantiles]).expect("a round");
        Row::frame(About::threads(name, ""), Placement::OtherCore, bytes, Plan { warm_up: 1, calls: 1 }, summary)
    }

    #[test]
    fn the_crossover_is_the_size_from_which_on_ours_stays_faster() {
        let peer = [("peer", 8, 5), ("peer", 64, 20), ("peer", 512, 9), ("peer", 4096, 100)];
        let ours = [("ours", 8, 10), ("ours", 64, 10), ("ours", 512, 10), ("ours", 4096, 10)];
        let never = [("never", 8, 50), ("never", 4096, 1)];
        let rows: Vec<Row> =
            peer.into_iter().chain(ours).chain(never).map(|(name, bytes, ns)| row(name, bytes, ns)).collect();
        let from = |against: &str| crossover(&rows, "ours", against).expect("sizes in common").from_bytes;
        assert_eq!(from("peer"), Some(4096), "at 512 the peer is faster once more");
        assert_eq!(from("never"), None);
        assert_eq!(crossover(&rows, "ours", "nobody"), None);
        assert_eq!(crossovers(&rows, "ours").len(), 3, "against every way that is not turbo's, once");
    }

    #[test]
    fn latency_and_bandwidth_are_those_of_the_protocol() {
        let row = row("any", 1_000_000, 2_000_000);
        assert_eq!(row.latency_ns, Some(1_000_000), "t / (2 n)");
        assert_eq!(row.bandwidth_mb_s, Some(1000.0), "2 bytes n / t: 2 MB in 2 ms");
    }
}
