//! `turbo bench gateway`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::output::print_json;
use super::{Result, count};
use crate::error::BenchError;
use crate::gateway::{self, Options, Row};
use crate::host::Host;

/// What it takes.
#[derive(Args)]
#[command(after_help = "Example: turbo bench gateway --cars 10 --cars 1000 --json")]
pub struct GatewayArgs {
    /// Numbers of cars; without it 10, 100, 300 and 1000.
    #[arg(long, value_name = "N", value_parser = count)]
    cars: Vec<usize>,
    /// Frames a second of all cars together, in the rows whose total is the same.
    #[arg(long, value_name = "N", default_value_t = 1_000.0, value_parser = rate)]
    total_fps: f64,
    /// Frames a second of each car, in the rows whose cars are the same.
    #[arg(long, value_name = "N", default_value_t = 3.0, value_parser = rate)]
    car_fps: f64,
    /// Coded bytes of a frame.
    #[arg(long, value_name = "BYTES", default_value_t = 3_000, value_parser = count)]
    frame_bytes: usize,
    /// How long frames count in each round.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Rounds of each row.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count)]
    rounds: usize,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Fail where anything was refused, failed or lost.
    #[arg(long)]
    check: bool,
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.1..=100_000.0).contains(rate));
    rate.ok_or_else(|| format!("{text:?} is not a rate from 0.1 to 100000 frames a second"))
}

#[derive(Serialize)]
struct GatewayReport {
    rows: Vec<Row>,
    host: Host,
}

impl GatewayArgs {
    /// Measures and prints.
    pub fn run(&self) -> Result<()> {
        let options = Options {
            cars: if self.cars.is_empty() { vec![10, 100, 300, 1_000] } else { self.cars.clone() },
            total_fps: self.total_fps,
            car_fps: self.car_fps,
            frame_bytes: self.frame_bytes,
            time: Duration::from_secs(self.seconds),
            rounds: self.rounds,
        };
        let host = Host::look();
        let rows = gateway::run(&options)?;
        let wrong: Vec<String> = rows
            .iter()
            .filter(|row| row.errors > 0)
            .map(|row| format!("{} cars at {} frames/s: {} errors", row.cars, row.fps, row.errors))
            .collect();
        if self.json {
            print_json(&GatewayReport { rows, host })?;
        } else {
            rows.iter().for_each(|row| println!("{row}"));
        }
        if self.check && !wrong.is_empty() {
            return Err(BenchError::Violated(wrong.join("; ")));
        }
        Ok(())
    }
}
