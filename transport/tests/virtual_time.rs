//! The real endpoints over the simulated network: shares of frames on time to the frame, the same on every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::time::Duration;

use transport::certs::DevPki;
use transport::link::{PathConfig, Trace};
use transport::simulation::Setup;
use transport::simulation::scenario::{Camera, Outcome, Scenario, play};

const MS: Duration = Duration::from_millis(1);

fn constrained(seed: u64, load: f64) -> Scenario {
    let up = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(10_000_000)) };
    let down = PathConfig { overhead_bytes: 0, ..PathConfig::fast() };
    let frame_bytes = (load * 10e6 / 8.0 / 30.0) as usize;
    let camera = |index: u32| Camera { period: 100 * MS, phase: 33 * MS * index, frame_bytes, budget: 200 * MS };
    Scenario {
        setup: Setup::new(seed, up.delayed(25 * MS).lossy(0.01), down.delayed(25 * MS).lossy(0.01)),
        cameras: (0..3).map(camera).collect(),
        warm_up: Duration::from_secs(3),
        duration: Duration::from_secs(20),
        execution: Duration::ZERO,
        changes: vec![],
    }
}

fn pki() -> (tempfile::TempDir, DevPki) {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = DevPki::create(dir.path()).expect("a PKI");
    (dir, pki)
}

fn played(scenario: Scenario, pki: &DevPki) -> Outcome {
    play(scenario, pki).expect("it plays")
}

#[test]
#[ignore = "prints"]
fn look() {
    let (_dir, pki) = pki();
    for load in
        std::env::var("LOADS").map_or(vec![0.75, 1.0, 2.0], |l| l.split(",").map(|x| x.parse().unwrap()).collect())
    {
        for seed in 1..=2 {
            let outcome = played(constrained(seed, load), &pki);
            let mut statuses = std::collections::BTreeMap::<String, u32>::new();
            for frame in &outcome.frames {
                let late = if frame.on_time() { "" } else { " (not on time)" };
                *statuses.entry(format!("{:?}{late}", frame.answer.map(|a| a.0))).or_default() += 1;
            }
            eprintln!(
                "load {load} seed {seed}: {:.1} % on time of {}, p50 {:?} p95 {:?} {statuses:?}",
                outcome.on_time() * 100.0,
                outcome.frames.len(),
                outcome.latency(0.5),
                outcome.latency(0.95)
            );
            if seed == 1 {
                let rates: Vec<String> = outcome
                    .estimates
                    .iter()
                    .step_by(8)
                    .map(|(_, e)| format!("{:.1}/{}", e.rate_bps / 1e6, e.rtt.as_millis()))
                    .collect();
                eprintln!("  {}", rates.join(" "));
            }
        }
    }
}
