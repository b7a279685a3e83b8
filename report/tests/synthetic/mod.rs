//! A run that never was: deterministic, of any length, written by the program's own writers.
#![allow(dead_code, reason = "each test program uses its part of it")]
#![allow(clippy::unwrap_used, reason = "a generator for tests may fail loudly, as tests may")]

mod frames;
mod logs;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic, UnixTime};
use rt_core::trace::HopHistograms;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_clock::RunClock;
use telemetry::run_dir::{Role, RunDirs, Subdirs};
use telemetry::run_info::RunInfo;

pub const SECOND: u64 = 1_000_000_000;
/// Pixels of a raw frame, as the run's configuration has them.
pub const WIDTH: usize = 8;
pub const HEIGHT: usize = 4;

/// What is to be generated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seconds: u64,
    pub services: u16,
    pub fps: u64,
    pub max_entries: usize,
    /// Raw frames are kept of every so many frames; 0 keeps none.
    pub keep_every: u64,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { seconds: 10, services: 2, fps: 10, max_entries: 100, keep_every: 0, seed: 1 }
    }
}

/// Where the run is.
#[derive(Clone, Debug)]
pub struct Generated {
    pub output: PathBuf,
    /// `client_main_*`.
    pub client: PathBuf,
    pub client_logs: PathBuf,
    pub quic_logs: PathBuf,
    pub server_logs: PathBuf,
    /// Frames of all services.
    pub frames: u64,
    /// Decisions with the cloud's result.
    pub from_cloud: u64,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The car's start; the cloud started a second before, on a machine with another uptime.
pub fn car_start() -> ClockAnchor {
    ClockAnchor { monotonic: Monotonic::from_ns(100 * SECOND), unix: UnixTime::from_ns(1_700_000_000 * SECOND) }
}

fn cloud_start() -> ClockAnchor {
    ClockAnchor { monotonic: Monotonic::from_ns(9_000 * SECOND), unix: UnixTime::from_ns(1_699_999_999 * SECOND) }
}

/// Writes the run below `output`.
pub fn generate(output: &Path, plan: &Plan) -> Generated {
    let names = Names::default();
    let entries = NonZeroUsize::new(plan.max_entries).unwrap();
    let options = LogOptions {
        client_queries_max_entries: entries,
        server_results_max_entries: entries,
        bandwidth_max_entries: entries,
        allocation_max_entries: entries,
        ..LogOptions::default()
    };
    let services: Vec<u16> = (1..=plan.services).collect();
    let car = RunDirs::create(output, car_start(), Role::CAR, &Subdirs::default()).unwrap();
    let cloud = RunDirs::create(output, cloud_start(), Role::CLOUD, &Subdirs::default()).unwrap();
    let configuration =
        format!("{{\"services\": [{{\"camera\": {{\"synthetic\": {{\"width\": {WIDTH}, \"height\": {HEIGHT}}}}}}}]}}");
    write_info(&car, car_start(), &configuration);
    write_info(&cloud, cloud_start(), "{}");
    let client_logs = car.logs(Role::Client).unwrap().to_owned();
    let quic_logs = car.logs(Role::QuicClient).unwrap().to_owned();
    let server_logs = cloud.logs(Role::Server).unwrap().to_owned();
    let mut generator = frames::Generator {
        plan: *plan,
        random: Random(plan.seed),
        names: names.clone(),
        car_clock: RunClock::new(car_start()),
        cloud_clock: RunClock::new(cloud_start()),
        car: Logs::new(&car, &services, options),
        cloud: Logs::new(&cloud, &[], options),
        others: logs::Others::new(&client_logs, &quic_logs, plan),
        hops: HopHistograms::default(),
        from_cloud: 0,
        sent: vec![0; services.len()],
    };
    generator.run(&services);
    car.write_trace(&generator.hops, &[]).unwrap();
    Generated {
        output: output.to_owned(),
        client: car.run(Role::Client).unwrap().to_owned(),
        client_logs,
        quic_logs,
        server_logs,
        frames: plan.seconds * plan.fps * u64::from(plan.services),
        from_cloud: generator.from_cloud,
    }
}

fn write_info(dirs: &RunDirs, started: ClockAnchor, configuration: &str) {
    let info = RunInfo {
        version: "0.1.0",
        git_revision: None,
        command: &["turbo".to_owned()],
        configuration,
        core_map: &"none",
        memory: &"heap",
        started,
    };
    dirs.write_info(&info).unwrap();
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
