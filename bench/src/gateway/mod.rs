//! `turbo bench gateway`: what a car costs the gateway, from ten of them to a thousand.
//!
//! The gateway has a process of its own; the cars, with certificates, sockets and QUIC endpoints of their own, share a
//! thread of this one. What is compared is processor time, not time: the machine may be busy with other things.

mod fleet;
pub(crate) mod plain_car;
mod row;
mod server;

use std::path::Path;
use std::time::Duration;

use rt_core::clock::Monotonic;
use transport::certs::{DevPki, TlsFiles};

use crate::error::{BenchError, Result};
use fleet::{Fleet, Plan, Tally};
use row::Window;
pub use row::{Load, Row};
use server::{Sample, Server};
pub use server::{VERB, serve};

/// From capture to detections.
const BUDGET: Duration = Duration::from_millis(200);
/// Two handshakes, the car's and the gateway's, take a core some milliseconds each.
const STAGGER: Duration = Duration::from_millis(8);
/// Beyond the last car's start, cars that have not connected by then will not.
const CONNECT: Duration = Duration::from_secs(30);
/// Once all are connected: what a connection does at its beginning (larger packets are probed for) is over then.
const SETTLE: Duration = Duration::from_secs(3);
/// Between two looks at how many cars are here.
const LOOK: Duration = Duration::from_millis(50);

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Numbers of cars.
    pub cars: Vec<usize>,
    /// Frames a second of all cars together.
    pub total_fps: f64,
    /// Frames a second of each car.
    pub car_fps: f64,
    /// Coded bytes of a frame.
    pub frame_bytes: usize,
    /// How long frames count in each round.
    pub time: Duration,
    /// Rounds of each row.
    pub rounds: usize,
}

/// Runs every number of cars at both rates.
///
/// # Errors
/// What kept the gateway or a car from starting.
pub fn run(options: &Options) -> Result<Vec<Row>> {
    let dir = tempfile::tempdir().map_err(BenchError::library("a temporary folder"))?;
    let pki = DevPki::create(dir.path()).map_err(BenchError::library("certificates"))?;
    let mut rows = Vec::new();
    for &cars in &options.cars {
        let measured = fleet_of(cars, options, dir.path(), &pki.car())?;
        for row in &measured {
            eprintln!("{row}");
        }
        rows.extend(measured);
    }
    Ok(rows)
}

/// The rows of one number of cars.
fn fleet_of(cars: usize, options: &Options, dir: &Path, tls: &TlsFiles) -> Result<Vec<Row>> {
    let mut server = Server::start(dir)?;
    let empty = server.sample()?;
    let plan = Plan { cars, frame_bytes: options.frame_bytes, budget: BUDGET, stagger: STAGGER, tls: tls.clone() };
    let begun = Monotonic::now();
    let fleet = Fleet::start(plan, server.address);
    connected(&mut server, cars)?;
    let connect = begun.elapsed();
    std::thread::sleep(SETTLE);
    let here = server.sample()?;
    let memory = (here.resident_bytes.saturating_sub(empty.resident_bytes)) / cars.max(1) as u64;
    let idle = idle(&mut server, options.time / 2)?;
    let mut rows = Vec::new();
    for (load, per_second) in [(Load::SameTotal, options.total_fps), (Load::SamePerCar, options.car_fps * cars as f64)]
    {
        let mut windows = Vec::new();
        for _ in 0..options.rounds {
            windows.push(window(&mut server, &fleet, per_second, options.time)?);
        }
        let mut row = Row::of(load, cars, per_second, options.frame_bytes, &windows);
        (row.idle_us_per_car_s, row.connect_s) = (idle / cars.max(1) as f64, connect.as_secs_f64());
        row.kib_per_car = memory as f64 / 1_024.0;
        rows.push(row);
    }
    fleet.end()?;
    server.end()?;
    Ok(rows)
}

/// Waits for all cars.
fn connected(server: &mut Server, cars: usize) -> Result<()> {
    let end = Monotonic::now().plus(STAGGER * u32::try_from(cars).unwrap_or(u32::MAX) + CONNECT);
    loop {
        let sample = server.sample()?;
        if sample.cars >= cars as u64 {
            return Ok(());
        }
        if Monotonic::now() > end {
            let reason = format!("{} of {cars} cars have connected; {}", sample.cars, sample.told);
            return Err(BenchError::Violated(reason));
        }
        std::thread::sleep(LOOK);
    }
}

/// Microseconds of the gateway's process for each second in which nothing is asked of it.
fn idle(server: &mut Server, time: Duration) -> Result<f64> {
    let (begun, before) = (Monotonic::now(), server.sample()?);
    std::thread::sleep(time);
    let (took, after) = (begun.elapsed(), server.sample()?);
    Ok(after.process_ns.saturating_sub(before.process_ns) as f64 / 1e3 / took.as_secs_f64())
}

fn window(server: &mut Server, fleet: &Fleet, per_second: f64, time: Duration) -> Result<Window> {
    let clock = fleet.clock()?;
    let (begun, before, cars_before) = (Monotonic::now(), server.sample()?, clock.time()?);
    let tally: Tally = fleet.drive(per_second, time)?;
    let (took, after, cars_after): (Duration, Sample, Duration) = (begun.elapsed(), server.sample()?, clock.time()?);
    Ok(Window {
        tally,
        took,
        process_ns: after.process_ns.saturating_sub(before.process_ns),
        gateway_ns: after.gateway_ns.saturating_sub(before.gateway_ns),
        cars_ns: u64::try_from(cars_after.saturating_sub(cars_before).as_nanos()).unwrap_or(u64::MAX),
        resident_bytes: after.resident_bytes,
        offences: after.offences.saturating_sub(before.offences),
        cars_left: before.cars.saturating_sub(after.cars),
    })
}
