//! What becomes of a car's link when the network, the gateway or another car do their worst: the real endpoints in
//! virtual time, so that times are exact and the same on every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod rig;

use std::time::Duration;

use rig::{Act, MS, Plan, S, Seen, link, play};
use transport::car::{LinkEvent, ReplyStatus};
use transport::link::{PathConfig, Trace};
use transport::simulation::Setup;

/// 10 Mbit/s, 50 ms, 1 % loss.
fn uplink(seed: u64) -> Setup {
    let (up, down) = directions(25, 0.01);
    Setup::new(seed, up, down)
}

fn directions(one_way_ms: u32, loss: f64) -> (PathConfig, PathConfig) {
    let up = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(10_000_000)) };
    let down = PathConfig { overhead_bytes: 0, ..PathConfig::fast() };
    (up.delayed(MS * one_way_ms).lossy(loss), down.delayed(MS * one_way_ms).lossy(loss))
}

fn plan(setup: Setup, duration: Duration, acts: Vec<(Duration, Act)>) -> Plan {
    Plan {
        setup,
        uplinks: 1,
        frame_bytes: 12_000,
        period: MS * 33,
        budget: MS * 200,
        execution: Duration::ZERO,
        duration,
        acts,
    }
}

fn blackout(from: Duration, to: Duration) -> Vec<(Duration, Act)> {
    vec![(from, link(|link| link.set_blackout(true))), (to, link(|link| link.set_blackout(false)))]
}

#[test]
#[ignore = "prints"]
fn look() {
    let back = S * 35 + MS * 37;
    let seen = play(plan(uplink(1), S * 38, blackout(S * 5, back)));
    report(&seen);
    eprintln!("first {:?}", seen.first_on_time(back).map(|at| at - back));
}

fn report(seen: &Seen) {
    for (at, event) in &seen.events {
        eprintln!("{at:?} {event:?}");
    }
    for (at, event) in &seen.gateway {
        eprintln!("{at:?} gateway {event:?}");
    }
    let mut statuses = std::collections::BTreeMap::<String, u32>::new();
    for frame in &seen.frames {
        *statuses.entry(format!("{:?}", frame.answers.iter().map(|a| a.0).collect::<Vec<_>>())).or_default() += 1;
    }
    eprintln!("{statuses:?} {:?}", ReplyStatus::Ok);
    let _ = LinkEvent::Connected;
}
