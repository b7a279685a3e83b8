//! `turbo simulate` beside the real thing: the same services, frames, trace and seed through the real transport, estimator
//! and gateway, in virtual time. Their shares of results in time are within two points, but for the gaps that are named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use allocation::policy::PolicyName;
use allocation::problem::Demand;
use allocation::simulate::{Frames, Scenario, Service};
use config::Profile;
use config::table::UtilityTable;
use transport::carrier::{Carrier, CarrierChoice};
use transport::certs::DevPki;
use transport::link::{PathConfig, Trace};
use transport::simulation::Setup;
use transport::simulation::drive::{Drive, Driven, drive};

/// How far the two may be apart, in shares, on average over the seeds. A policy that learns from outcomes follows every
/// difference; `docs/simulator.md` tells how far.
const CLOSE: f64 = 0.04;
/// Where whole frames' worth of packets are dropped at once, because the queue of 125 KB is an eighth of what is under
/// way; and where a few large frames and many small ones are worth the same, so that a trifle decides which are sent.
const LESS_CLOSE: f64 = 0.08;
const SEEDS: u64 = 3;
const MS: Duration = Duration::from_millis(1);
/// Defaults of `turbo simulate`.
const FPS: f64 = 5.0;
const MARGIN: Duration = Duration::from_millis(10);
const HYSTERESIS: f64 = 0.005;
/// What the model says of a round trip's jitter: a twentieth of it, half in each direction, and here evenly spread.
const JITTER_PART: f64 = 0.05;

/// One link and one load.
#[derive(Clone)]
struct Case {
    trace: Option<PathBuf>,
    mean_mbps: f64,
    rtt: Duration,
    loss: f64,
    slo: Duration,
    table: &'static str,
    workers: Option<usize>,
    policy: &'static str,
    length: Duration,
    seed: u64,
    within: f64,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            trace: None,
            mean_mbps: 20.0,
            rtt: 50 * MS,
            loss: 0.0,
            slo: 200 * MS,
            table: "efficientdet-coco",
            workers: None,
            policy: "turbo",
            length: Duration::from_secs(60),
            seed: 1,
            within: CLOSE,
        }
    }
}

impl Case {
    fn name(&self) -> String {
        let trace =
            self.trace.as_deref().and_then(Path::file_stem).map_or("generated".into(), |name| name.to_string_lossy());
        format!(
            "{} on {trace} at {} Mbit/s, {:?}, loss {}, {:?}, {}, {} workers, seed {}",
            self.policy,
            self.mean_mbps,
            self.rtt,
            self.loss,
            self.slo,
            self.table,
            self.workers.map_or("enough".to_owned(), |workers| workers.to_string()),
            self.seed
        )
    }

    fn table_file(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/tables/{}.yaml", self.table))
    }

    fn driven(&self, pki: &DevPki) -> Driven {
        let table = UtilityTable::load(&self.table_file()).unwrap();
        let mut models: Vec<&str> = table.entries.iter().map(|entry| entry.config.model.as_str()).collect();
        models.dedup();
        let demand = Demand {
            weight: 1.0,
            slo_s: self.slo.as_secs_f64(),
            fps: FPS,
            margin_s: MARGIN.as_secs_f64(),
            floor_accuracy: table.vehicle.accuracy,
        };
        let services = vec![Service { demand, menu: table.menu(&models).unwrap() }; 3];
        let scenario = Scenario::new(services, self.rtt, self.loss, self.seed).unwrap();
        let frames = Frames::draw(&scenario, self.length);
        let policy: PolicyName = self.policy.parse().unwrap();
        let policy = policy.build(3, scenario.most_choices(), HYSTERESIS).unwrap();
        let recorded = match &self.trace {
            Some(file) => Trace::load(file).unwrap(),
            None => Trace::generated(self.seed, Duration::from_secs(300), 18_000_000),
        };
        let way = |path: PathConfig| {
            let path = path.delayed(self.rtt / 2).lossy(self.loss);
            PathConfig { jitter: self.rtt.mul_f64(JITTER_PART), ..path }
        };
        let up = PathConfig::shaped(recorded.scaled_to_mean(self.mean_mbps * 1e6).unwrap());
        let setup = Setup::new(self.seed, way(up), way(PathConfig::fast()));
        let carrier = CarrierChoice::Pinned(Carrier::Stream);
        drive(Drive { setup, scenario, frames, policy, workers: self.workers, carrier }, pki).expect("it drives")
    }

    /// What `turbo simulate` says of the same, from where in the trace the drive began.
    fn simulated(&self, began: Duration) -> serde_json::Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_turbo"));
        command.args(["simulate", "--json", "--policy", self.policy, "--table"]).arg(self.table_file());
        let ms = |duration: Duration| format!("{}ms", duration.as_secs_f64() * 1e3);
        for (flag, value) in [
            ("--mean-mbps", self.mean_mbps.to_string()),
            ("--rtt", ms(self.rtt)),
            ("--loss", self.loss.to_string()),
            ("--slo", ms(self.slo)),
            ("--seed", self.seed.to_string()),
            ("--for", ms(self.length)),
            ("--trace-from", ms(began)),
        ] {
            command.args([flag, &value]);
        }
        if let Some(trace) = &self.trace {
            command.arg("--trace").arg(trace);
        }
        if let Some(workers) = self.workers {
            command.args(["--cloud-workers", &workers.to_string()]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        document["runs"][0].clone()
    }
}

/// The cases; those on recorded traces only where there are some.
fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::default(),
        Case { mean_mbps: 5.0, ..Case::default() },
        Case { loss: 0.01, length: Duration::from_secs(180), ..Case::default() },
        Case { workers: Some(1), table: "demo", mean_mbps: 8.0, ..Case::default() },
    ];
    let Some(traces) = testkit::data::shared("traces") else { return cases };
    let on = |name: &str| Some(traces.join(name));
    cases.extend([
        Case { trace: on("TMobile-LTE-short.up"), within: LESS_CLOSE, ..Case::default() },
        Case { trace: on("TMobile-LTE-short.up"), mean_mbps: 5.0, rtt: 20 * MS, ..Case::default() },
        Case { trace: on("TMobile-UMTS-driving.up"), ..Case::default() },
        Case { trace: on("TMobile-UMTS-driving.up"), mean_mbps: 80.0, slo: 150 * MS, ..Case::default() },
        Case { trace: on("ATT-LTE-driving.up"), mean_mbps: 20.0, slo: 250 * MS, ..Case::default() },
        Case {
            trace: on("ATT-LTE-driving.up"),
            mean_mbps: 80.0,
            rtt: 100 * MS,
            slo: 250 * MS,
            within: LESS_CLOSE,
            ..Case::default()
        },
    ]);
    cases
}

#[test]
fn simulated_and_real_shares_in_time_are_as_close_as_is_claimed() {
    let dir = tempfile::tempdir().unwrap();
    let pki = DevPki::create(dir.path()).unwrap();
    let mut apart = Vec::new();
    for case in cases() {
        let differences: Vec<f64> = (1..=SEEDS)
            .map(|seed| {
                let case = Case { seed, ..case.clone() };
                let driven = case.driven(&pki);
                let simulated = case.simulated(driven.began);
                let of = |key: &str| simulated[key].as_f64().unwrap_or_else(|| panic!("{key} in {simulated}"));
                assert_eq!(driven.frames as f64, of("frames"));
                eprintln!(
                    "{}: on time {:.3}, simulated {:.3}; sent {}, {}; utility {:.4}, {:.4}; switches {}, {}",
                    case.name(),
                    driven.on_time(),
                    of("on_time"),
                    driven.sent,
                    of("sent"),
                    driven.utility,
                    of("utility"),
                    driven.switches,
                    of("switches"),
                );
                of("on_time") - driven.on_time()
            })
            .collect();
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        eprintln!("  simulated less real: {:+.1} points on average", mean * 100.0);
        if mean.abs() > case.within {
            apart.push(format!("{}: {differences:.3?}", case.name()));
        }
    }
    assert!(apart.is_empty(), "{apart:#?}");
}

#[test]
fn a_drive_repeats_by_its_seed() {
    let dir = tempfile::tempdir().unwrap();
    let pki = DevPki::create(dir.path()).unwrap();
    let case = Case { length: Duration::from_secs(10), ..Case::default() };
    assert_eq!(case.driven(&pki), case.driven(&pki));
    assert_ne!(case.driven(&pki), Case { seed: 2, ..case }.driven(&pki));
}
