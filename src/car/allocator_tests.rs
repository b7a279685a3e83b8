//! The real allocator thread between mailboxes: what it allocates follows what is said at the control socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use allocation::problem::Demand;
use config::Profile;
use config::car::CarProfile;
use config::table::UtilityTable;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::{self, mailbox};
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use rt_core::wait::{WaitStrategy, Waiter};
use telemetry::emitter;
use telemetry::names::Names;
use transport::estimate::LinkEstimate;
use transport::wire::menu::{CloudMenu, ModelEntry};

use super::allocator::{Allocator, Client};
use super::brain::{self, Mind};
use super::plan::Plan;
use super::wiring::Brain;
use crate::control::Controlled;

const PATIENCE: Duration = Duration::from_secs(60);
/// Enough for the smallest payload of one camera (0.84 Mbit/s at 5 frames a second and 200 ms), not for two.
const RATE_BPS: f64 = 1.2e6;

fn model(name: &str, (input_width, input_height): (u16, u16), p50_us: u32) -> ModelEntry {
    let classes = vec!["car".to_owned()];
    ModelEntry { name: name.to_owned(), input_width, input_height, classes, p50_us, p95_us: p50_us, workers: 4 }
}

#[test]
fn the_camera_that_counts_most_gets_the_uplink() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let profile = CarProfile::load(&root.join("config/demo-car.yaml")).unwrap();
    let table = UtilityTable::load(&profile.allocation.table).unwrap();
    let names = Names::default();
    let plan = Plan::new(&table, &[], &names).unwrap();
    let floor_accuracy = plan.floor_accuracy;
    let hub = telemetry::subscribe::Hub::new("car", "0", rt_core::clock::ClockAnchor::now());
    let Mind { brain, control, .. } = brain::make(&profile, plan, &table, &names, &hub).unwrap();
    let Brain { plan, attention, drift, notices, status, bell } = brain;
    let (mut estimates_in, estimates) = mailbox();
    let (mut menus_in, menus) = mailbox();
    let (allocations, mut logged) = emitter::ring(4096);
    let mut shares: Vec<(mailbox::Receiver<f64>, f64)> = Vec::new();
    let mut weights: Vec<Vec<f64>> = Vec::new();
    let clients = profile.services.iter().map(|service| {
        let (share, share_out) = mailbox();
        shares.push((share_out, 0.0));
        let demand = Demand { weight: service.weight, slo_s: 0.2, fps: 5.0, margin_s: 0.015, floor_accuracy };
        let encoder = (mailbox().0, Doorbell::futex());
        Client { demand, encoder, costs: ring::ring(4).1, class_maps: mailbox().0, share }
    });
    let allocator = Allocator {
        bell: bell.clone(),
        estimates,
        menus,
        clients: clients.collect(),
        plan,
        attention,
        drift,
        notices,
        status,
        policy: profile.allocation.policy.clone(),
        hysteresis: profile.allocation.hysteresis,
        cost_per_mb: profile.allocation.cost_per_mb,
        max_period: Duration::from_millis(100),
        names,
        vocabulary: Arc::new(Mutex::new(Vec::new())),
        allocations,
        links: emitter::ring(4096).0,
        counters: ThreadCounters::new("allocator").0,
    };
    let halt = StopToken::default();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| allocator.run(&Waiter::new(WaitStrategy::Futex, 1), &halt));
        menus_in.put(CloudMenu { models: vec![model("edd1", (480, 288), 38_000), model("edd2", (640, 384), 76_000)] });
        // Tells of the link until the services have what `is` wants: front, left, right in bit/s.
        let mut wait = |what: &str, is: &dyn Fn(&[f64]) -> bool| {
            let end = Monotonic::now().plus(PATIENCE);
            loop {
                let (at, rtt) = (Monotonic::now(), Duration::from_millis(20));
                let estimate = LinkEstimate {
                    rate_bps: RATE_BPS,
                    rtt,
                    min_rtt: rtt,
                    connected: true,
                    at,
                    ..LinkEstimate::default()
                };
                estimates_in.put(estimate);
                bell.ring();
                for (share, latest) in &mut shares {
                    *latest = share.take().unwrap_or(*latest);
                }
                logged.drain(|record| {
                    let now: Vec<f64> = record.services.iter().map(|given| given.weight).collect();
                    if !weights.contains(&now) {
                        weights.push(now);
                    }
                });
                let given: Vec<f64> = shares.iter().map(|(_, latest)| *latest).collect();
                if is(&given) {
                    return;
                }
                if at >= end {
                    halt.set();
                    panic!("never {what}: {given:?}");
                }
                std::thread::yield_now();
            }
        };
        wait("the front camera's", &|given| given[0] > 0.0 && given[1] == 0.0 && given[2] == 0.0);
        assert_eq!(control.obey("context turn_signal=left"), Ok(String::new()));
        wait("the left camera's", &|given| given[0] == 0.0 && given[1] > 0.0 && given[2] == 0.0);
        let status: serde_json::Value = serde_json::from_str(&control.obey("status").unwrap()).unwrap();
        assert_eq!((&status["rules"][0], &status["services"][1]["weight"]), (&"turning left".into(), &4.0.into()));
        assert_eq!(control.obey("context turn_signal=right"), Ok(String::new()));
        // The first rule is active for another two seconds; its weight is the same, and a change has to gain something.
        wait("the right camera's", &|given| given[0] == 0.0 && given[1] == 0.0 && given[2] > 0.0);
        halt.set();
        running.join().unwrap().unwrap();
    });
    for expected in [[2.0, 1.0, 1.0], [2.0, 4.0, 1.0], [2.0, 1.0, 4.0]] {
        assert!(weights.contains(&expected.to_vec()), "{expected:?} is not among what was logged: {weights:?}");
    }
}
