//! The real endpoints over the simulated network: shares of frames on time to the frame, the same on every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::time::Duration;

use transport::certs::DevPki;
use transport::simulation::cases;
use transport::simulation::scenario::{Outcome, Scenario, play};

const MS: Duration = Duration::from_millis(1);

fn pki() -> (tempfile::TempDir, DevPki) {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = DevPki::create(dir.path()).expect("a PKI");
    (dir, pki)
}

fn played(scenario: Scenario, pki: &DevPki) -> Outcome {
    play(scenario, pki).expect("it plays")
}

/// Prints what the cases are like, for tuning; `ONLY` names some, `SEEDS` says how many runs.
#[test]
#[ignore = "prints"]
fn look() {
    let (_dir, pki) = pki();
    let only = std::env::var("ONLY").unwrap_or_default();
    let seeds = std::env::var("SEEDS").map_or(1, |seeds| seeds.parse().expect("a number"));
    let mut all = cases::built_in();
    if let Some(folder) = testkit::data::shared("traces") {
        all.extend(cases::recorded(&folder));
    }
    for case in all.iter().filter(|case| case.name.contains(&only)) {
        for seed in 1..=seeds {
            let outcome = played(case.scenario(seed, 3_000 * MS), &pki);
            if std::env::var_os("SECONDS").is_some() {
                for second in 3..63_u64 {
                    let within = |at: Duration| at >= Duration::from_secs(second) && at < Duration::from_secs(second + 1);
                    let frames: Vec<_> = outcome.frames.iter().filter(|f| within(f.captured)).collect();
                    let est: Vec<String> = outcome.estimates.iter().filter(|e| within(e.0)).map(|(_, e)| format!("{:.2}/{}/{}", e.rate_bps / 1e6, e.rtt.as_millis(), e.min_rtt.as_millis())).step_by(3).collect();
                    let cap = |a: u64| (case.up.trace.bits_by_ns((a+1)*500_000_000) - case.up.trace.bits_by_ns(a*500_000_000)) as f64 / 0.5e6;
                    let kinds: Vec<String> = frames.iter().map(|f| match f.answer { Some((s, _)) if f.on_time() => format!("{s:?}").chars().take(1).collect::<String>().replace('O', "."), Some((s, _)) => format!("{s:?}").chars().take(1).collect(), None => "?".into() }).collect();
                    eprintln!("s {second} cap {:.2} {:.2} {} {}", cap(second*2), cap(second*2+1), kinds.concat(), est.join(" "));
                }
            }
            let mut statuses = std::collections::BTreeMap::<String, u32>::new();
            for frame in &outcome.frames {
                *statuses.entry(format!("{:?}", frame.answer.map(|a| a.0))).or_default() += 1;
            }
            eprintln!(
                "case {:<50} {seed}: {:.1} %, of oracle {:.1} %, p50 {:?} p95 {:?} {statuses:?}",
                case.name,
                outcome.on_time() * 100.0,
                if case.oracle { case.of_oracle(&outcome) * 100.0 } else { 0.0 },
                outcome.latency(0.5),
                outcome.latency(0.95)
            );
        }
    }
}
