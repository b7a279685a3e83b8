//! The shipped files parse, and name every key of the schema.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use config::Profile;
use config::car::{Camera, CarProfile, Carrier, Probe};
use config::cloud::CloudProfile;
use config::table::UtilityTable;
use config::threads::Wait;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn loaded<P: Profile>(name: &str) -> P {
    P::load(&shipped(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_car_profiles_parse_and_their_paths_are_beside_them() {
    let car: CarProfile = loaded("car.yaml");
    assert_eq!(car.services.len(), 3);
    assert_eq!(car.vehicle.model, shipped("models/edd1.onnx"));
    assert_eq!(car.allocation.table, shipped("tables/efficientdet-coco.yaml"));
    assert_eq!(car.cloud.as_ref().map(|cloud| cloud.ca.clone()), Some(shipped("certs/ca.pem")));
    assert_eq!(car.run.output_dir, shipped("../runs"));
    let Camera::Files(files) = &car.services[2].camera else { panic!("{:?}", car.services[2].camera) };
    assert_eq!(
        (files.dir.clone(), files.labels.clone()),
        (shipped("frames/right"), Some(shipped("frames/right.json")))
    );
    let demo: CarProfile = loaded("demo-car.yaml");
    assert_eq!((demo.services.len(), demo.cloud), (3, None));
}

#[test]
fn the_demo_asks_for_no_privilege_and_two_cores() {
    let (car, cloud): (CarProfile, CloudProfile) = (loaded("demo-car.yaml"), loaded("demo-cloud.yaml"));
    let (c, g) = (&car.threads, &cloud.threads);
    let entries = [&c.capture, &c.encoder, &c.service, &c.detector, &c.transport, &c.allocator, &c.collector];
    for entry in entries.into_iter().chain([&g.gateway, &g.worker, &g.collector]) {
        assert!(entry.cores.iter().all(|core| *core < 2), "{entry:?}");
        assert!(matches!(entry.scheduling(), config::threads::Scheduling::Other { nice: 0.. }), "{entry:?}");
        // Two cores have none to spare for spinning.
        assert!(matches!(entry.wait, Some(Wait::Futex | Wait::Epoll)), "{entry:?}");
    }
    assert!(!car.memory.lock);
}

#[test]
fn the_cloud_profiles_parse() {
    let cloud: CloudProfile = loaded("cloud.yaml");
    assert_eq!(
        cloud.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(),
        ["edd2", "edd4", "edd6", "edd7x"]
    );
    assert_eq!(cloud.models[0].file, shipped("models/edd2.onnx"));
    let demo: CloudProfile = loaded("demo-cloud.yaml");
    assert!(demo.models.len() >= 2);
}

#[test]
fn the_published_table_is_the_published_menu() {
    let table: UtilityTable = loaded("tables/efficientdet-coco.yaml");
    let Some(menu) = testkit::data::shared("spec/model-menu.csv") else { return };
    let menu = std::fs::read_to_string(menu).unwrap();
    let (mut on_vehicle, mut in_cloud) = (0, 0);
    for row in menu.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()) {
        let (megabit, runtime_ms): (f64, f64) = (row[1].parse().unwrap(), row[2].parse().unwrap());
        if row[4] == "vehicle" {
            assert_eq!((table.vehicle.execution_ms_p95, row[0].starts_with(&table.vehicle.model)), (runtime_ms, true));
            on_vehicle += 1;
        } else {
            let entry = table.entries.iter().find(|entry| entry.config.to_string() == row[0]).unwrap();
            assert_eq!((entry.payload_megabit_p95, entry.execution_ms_p95), (megabit, runtime_ms), "{}", row[0]);
            in_cloud += 1;
        }
    }
    assert_eq!((on_vehicle, in_cloud), (1, table.entries.len()));
}

/// Every block of a file is given a key that does not exist; the refusal lists the keys that do.
fn keys_of_every_block<P: Profile + std::fmt::Debug>(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut keys = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        let starts_a_key = line[indent..].split_once(':').is_some_and(|(key, _)| {
            !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        });
        if !starts_a_key {
            continue;
        }
        // The key goes before the line, or takes the place of the list item's first key.
        let prefix = &line[..indent];
        let rest = format!("{}{}", " ".repeat(indent), &line[indent..]);
        let mut changed = lines[..at].to_vec();
        let strange = format!("{prefix}no_such_key: 0");
        changed.extend([strange.as_str(), rest.as_str()]);
        changed.extend(&lines[at + 1..]);
        let error = P::parse(&changed.join("\n"), Path::new("changed.yaml")).unwrap_err().to_string();
        assert!(error.contains("`no_such_key`"), "line {}: {error}", at + 1);
        let (_, list) = error.lines().next().unwrap().rsplit_once("expected ").unwrap();
        keys.extend(list.trim_start_matches("one of ").split(", ").map(str::to_owned));
    }
    keys
}

fn assert_every_key_is_shipped<P: Profile + std::fmt::Debug>(name: &str, some: &[&str]) {
    let text = std::fs::read_to_string(shipped(name)).unwrap();
    let keys = keys_of_every_block::<P>(&text);
    for key in some {
        assert!(keys.contains(*key), "the test does not see {key} in {keys:?}");
    }
    for key in keys {
        let named = text.lines().any(|line| line.trim_start_matches([' ', '-', '#']).starts_with(&format!("{key}:")));
        assert!(named, "{name} does not show the key `{key}`");
    }
}

#[test]
fn every_key_of_the_schema_is_in_the_templates() {
    let car = [
        "on_loss",
        "spin_us",
        "period_us",
        "stack_kib",
        "heartbeat_ms",
        "hysteresis",
        "labels",
        "synthetic",
        "files",
        "uplink_slot_bytes",
        "nice",
        "max_entries",
        "identity",
    ];
    assert_every_key_is_shipped::<CarProfile>("car.yaml", &car);
    assert_every_key_is_shipped::<CloudProfile>("cloud.yaml", &["services_per_car", "priority", "ca", "file"]);
    let table = ["provenance", "execution_ms_p50", "model"];
    assert_every_key_is_shipped::<UtilityTable>("tables/efficientdet-coco.yaml", &table);
}

#[test]
fn every_key_of_the_templates_is_explained() {
    for name in ["car.yaml", "cloud.yaml"] {
        let text = std::fs::read_to_string(shipped(name)).unwrap();
        let mut explained = BTreeSet::new();
        let mut after_comment = false;
        for line in text.lines() {
            let line = line.trim_start_matches([' ', '-']);
            let Some((key, _)) = line.split_once(':').filter(|_| !line.starts_with('#')) else {
                // A comment speaks of the keys that follow it without a gap.
                after_comment = line.starts_with('#');
                continue;
            };
            if after_comment {
                explained.insert(key.to_owned());
            }
            let container = ["run", "logs", "decision", "mode"].contains(&key);
            assert!(explained.contains(key) || container, "{name}: nothing explains `{key}`");
        }
    }
}

#[test]
fn the_prototypes_carrier_and_probe_are_two_words_of_the_profile() {
    let text = std::fs::read_to_string(shipped("car.yaml")).unwrap();
    let peer = |text: &str| CarProfile::parse(text, Path::new("car.yaml")).unwrap().cloud.unwrap();
    assert_eq!((peer(&text).carrier, peer(&text).probe), (Carrier::Auto, Probe::None));
    let prototype = text.replacen("  carrier: auto\n", "  carrier: prototype\n", 1);
    assert_eq!((peer(&prototype).carrier, peer(&prototype).probe), (Carrier::Prototype, Probe::None));
    let probing = prototype.replacen("  probe: none\n", "  probe: idle\n", 1);
    assert_eq!((peer(&probing).carrier, peer(&probing).probe), (Carrier::Prototype, Probe::Idle));
    let silent = prototype.replacen("  probe: none\n", "", 1);
    assert_eq!(peer(&silent).probe, Probe::None, "what is left out");
}

#[test]
fn what_a_core_map_leaves_out_is_generous_and_safe() {
    use config::threads::{OnLoss, Role};
    use std::time::Duration;
    let text = std::fs::read_to_string(shipped("demo-car.yaml")).unwrap().replace("    wait: futex\n", "");
    let car = CarProfile::parse(&text, Path::new("demo.yaml")).unwrap();
    for (key, entry, role) in car.threads.entries() {
        let (wait, seconds) = match role {
            Role::Transport => (Wait::Epoll, 5),
            Role::Detector | Role::Collector => (Wait::SpinThenFutex, 30),
            _ => (Wait::SpinThenFutex, 5),
        };
        assert_eq!((entry.waits(role), entry.heartbeat(role)), (wait, Duration::from_secs(seconds)), "{key}");
        assert_eq!(entry.on_loss(), OnLoss::Fault, "{key}");
    }
}

#[test]
fn a_deadline_policy_brings_its_three_numbers() {
    use config::threads::Scheduling;
    use std::time::Duration;
    let text = std::fs::read_to_string(shipped("car.yaml")).unwrap();
    let numbers = "policy: deadline\n    runtime_us: 2000\n    deadline_us: 5000\n    period_us: 10000";
    let changed = text.replacen("policy: rr\n    priority: 30", numbers, 1);
    let car = CarProfile::parse(&changed, Path::new("car.yaml")).unwrap();
    let us = Duration::from_micros;
    let expected = Scheduling::Deadline { runtime: us(2000), deadline: us(5000), period: us(10_000) };
    assert_eq!(car.threads.detector.scheduling(), expected);
}

#[test]
fn raw_frames_are_kept_as_the_profile_says() {
    use config::car::SaveFrames;
    let text = std::fs::read_to_string(shipped("car.yaml")).unwrap();
    let keep = |said: &str| {
        let changed = text.replace("  save_frames: none\n", said);
        CarProfile::parse(&changed, Path::new("car.yaml")).map(|car| car.run.save_frames)
    };
    assert_eq!(keep("  save_frames: none\n").unwrap(), SaveFrames::None);
    assert_eq!(keep("").unwrap(), SaveFrames::None);
    assert_eq!(keep("  save_frames: all\n").unwrap(), SaveFrames::All);
    assert_eq!(keep("  save_frames:\n    every: 5\n").unwrap(), SaveFrames::Every(5));
    let refused = keep("  save_frames:\n    every: 0\n").unwrap_err().to_string();
    assert!(refused.contains("every") || refused.contains("save_frames"), "{refused}");
}

#[test]
fn the_ten_switches_of_the_original_are_all_known() {
    let known = |name: &str, side: &str, logs: &[&str]| {
        let text = std::fs::read_to_string(shipped(name)).unwrap();
        for log in logs {
            let key = format!("{side}_enable_{log}_log:");
            assert!(text.lines().any(|line| line.trim_start().starts_with(&key)), "{name} lacks {key}");
        }
    };
    let logs = ["bw_stat", "allocation_stat", "network_stat", "incoming_image_context", "outgoing_image_context"];
    known("car.yaml", "client", &logs);
    known("cloud.yaml", "server", &logs);
}
