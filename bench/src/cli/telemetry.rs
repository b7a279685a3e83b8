//! `turbo bench telemetry`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::output::print_json;
use super::{Result, count};
use crate::error::BenchError;
use crate::host::Host;
use crate::telemetry::{Peer, PeerRow, Plan, Ratio, Row, measure};

/// Producers of each row, and records a second that they offer where nothing else is said.
const ROWS: [(usize, f64); 3] = [(1, 1.0e6), (3, 2.0e6), (10, 4.4e6)];

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench telemetry --seconds 10 --json")]
pub struct TelemetryArgs {
    /// How long each row emits, seconds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count)]
    seconds: usize,
    /// Only the row with so many producers.
    #[arg(long, value_name = "N", value_parser = count)]
    producers: Option<usize>,
    /// Records a second that all producers offer together, in place of 1000000, 2000000 and 4400000.
    #[arg(long, value_name = "N", value_parser = count)]
    rate: Option<usize>,
    /// Where the event log is written; by default a temporary folder, removed at the end.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The event log's quota, MiB.
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = count)]
    quota_mib: usize,
    /// Leave out what one would otherwise use.
    #[arg(long)]
    no_peers: bool,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Fail where what is claimed is not reached.
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct TelemetryReport {
    rows: Vec<Row>,
    peers: Vec<PeerRow>,
    ratios: Vec<Ratio>,
    host: Host,
}

impl TelemetryArgs {
    /// Measures and prints.
    pub fn run(&self) -> Result<()> {
        let temporary = tempfile::tempdir()
            .map_err(|source| BenchError::System { what: "making a temporary folder".to_owned(), source })?;
        let dir = self.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
        let wanted: Vec<(usize, f64)> = match self.producers {
            Some(producers) => {
                let known = ROWS.iter().find(|(count, _)| *count == producers);
                vec![(producers, known.map_or(1.0e6, |(_, rate)| *rate))]
            }
            None => ROWS.to_vec(),
        };
        let plans: Vec<Plan> = wanted
            .into_iter()
            .map(|(producers, rate)| Plan {
                producers,
                duration: Duration::from_secs(self.seconds as u64),
                records_per_s: self.rate.map_or(rate, |rate| rate as f64),
                quota_mib: self.quota_mib as u64,
            })
            .collect();
        // Ours first: what the process took of memory until then is a row's, and not a peer's.
        let (mut rows, mut peers, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for plan in &plans {
            let row = measure(*plan, &dir.join(format!("events-{}", plan.producers)))?;
            self.say(&row);
            rows.push(row);
        }
        for (plan, row) in plans.iter().zip(&rows).filter(|_| !self.no_peers) {
            for peer in Peer::ALL {
                let beside = peer.measure(*plan, &dir)?;
                self.say(&beside);
                let ratio = Ratio::of(row, &beside);
                self.say(&ratio);
                peers.push(beside);
                ratios.push(ratio);
            }
        }
        let missed: Vec<String> = rows.iter().filter_map(Row::missed).collect();
        if self.json {
            print_json(&TelemetryReport { rows, peers, ratios, host: Host::look() })?;
        }
        if self.check && !missed.is_empty() {
            return Err(BenchError::Violated(format!("claims that did not hold: {}", missed.join("; "))));
        }
        Ok(())
    }

    fn say(&self, line: &impl std::fmt::Display) {
        if !self.json {
            println!("{line}");
        }
    }
}
