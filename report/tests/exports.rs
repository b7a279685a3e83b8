//! The exports, read back.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly, as tests may")]

mod synthetic;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use synthetic::{Generated, HEIGHT, Plan, WIDTH, generate};
use turbo_report::export::{Window, mcap, perfetto, prometheus};
use turbo_report::report::build;
use turbo_report::run::Run;

fn find(run: &Generated) -> Run {
    Run::find(std::slice::from_ref(&run.client)).unwrap()
}

fn trace(run: &Generated, window: Window) -> (perfetto::Written, Vec<Value>) {
    let mut bytes = Vec::new();
    let written = perfetto::write(&find(run), window, &mut bytes).unwrap();
    let trace: Value = serde_json::from_slice(&bytes).unwrap();
    (written, trace.get("traceEvents").unwrap().as_array().unwrap().clone())
}

#[test]
fn a_trace_nests_names_its_threads_and_joins_each_frame_s_way_by_one_flow() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan::default());
    let (written, events) = trace(&run, Window::default());
    assert_eq!(written.frames as u64, run.frames);
    assert_eq!((written.in_cloud as u64, written.cut), (run.from_cloud, false));
    assert_eq!(written.cloud_clock_moved_secs, 0.0);
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).collect::<Vec<_>>();
    let mut named = BTreeSet::new();
    for thread in of("M").iter().filter(|event| event["name"] == "thread_name") {
        named.insert((thread["pid"].as_u64().unwrap(), thread["tid"].as_u64().unwrap()));
    }
    let mut tracks: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    for slice in of("X") {
        let key = (slice["pid"].as_u64().unwrap(), slice["tid"].as_u64().unwrap());
        assert!(named.contains(&key), "{slice}");
        let (ts, duration) = (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap());
        assert!(duration >= 0.0 && ts >= 0.0, "{slice}");
        tracks.entry(key).or_default().push((ts, ts + duration));
    }
    assert_eq!(tracks.keys().map(|(pid, _)| *pid).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 3]));
    for (key, slices) in &mut tracks {
        // Outer ones first; each then lies within the last that has not ended, or after it.
        slices.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut open: Vec<f64> = Vec::new();
        for (from, to) in slices {
            while open.last().is_some_and(|end| *end <= *from + 1e-3) {
                open.pop();
            }
            assert!(open.last().is_none_or(|end| *to <= *end + 1e-3), "{key:?}: {from} to {to} in {open:?}");
            open.push(*to);
        }
    }
    let mut flows: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for event in events.iter().filter(|event| ["s", "t", "f"].iter().any(|phase| event["ph"] == *phase)) {
        flows.entry(event["id"].as_u64().unwrap()).or_default().push(event);
    }
    assert_eq!(flows.len() as u64, run.from_cloud);
    for flow in flows.values() {
        let phases: Vec<&str> = flow.iter().map(|event| event["ph"].as_str().unwrap()).collect();
        assert_eq!(phases, ["s", "t", "t", "t", "f"]);
        let processes: Vec<u64> = flow.iter().map(|event| event["pid"].as_u64().unwrap()).collect();
        assert_eq!(processes, [1, 2, 3, 2, 1]);
        let times: Vec<f64> = flow.iter().map(|event| event["ts"].as_f64().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        for event in flow {
            let key = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
            let at = event["ts"].as_f64().unwrap();
            let bound = tracks[&key].iter().any(|(from, to)| *from <= at + 1e-3 && at <= *to + 1e-3);
            assert!(bound, "no slice at {event}");
        }
    }
    let counters: BTreeSet<&str> = of("C").iter().map(|event| event["name"].as_str().unwrap()).collect();
    assert!(counters.contains("round trip ms") && counters.contains("service 2 allocated Mbit/s"), "{counters:?}");
}

#[test]
fn a_window_is_a_part_of_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan::default());
    let (written, events) = trace(&run, Window { from_secs: 1.95, to_secs: 3.95 });
    assert_eq!(written.frames, 2 * 2 * 10);
    for event in events.iter().filter(|event| event["ph"] == "C") {
        assert!((1.95e6..3.95e6).contains(&event["ts"].as_f64().unwrap()), "{event}");
    }
}

#[test]
fn images_and_boxes_are_read_back_by_the_mcap_crate() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { keep_every: 10, ..Plan::default() });
    let path = folder.path().join("run.mcap");
    let written = mcap::write(&find(&run), &path).unwrap();
    assert_eq!((written.images, written.images_left_out, written.detections), (20, 0, run.frames));
    let bytes = std::fs::read(&path).unwrap();
    let mut images: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut boxes: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut drawn = 0;
    for message in ::mcap::MessageStream::new(&bytes).unwrap() {
        let message = message.unwrap();
        let schema = message.channel.schema.as_ref().unwrap();
        assert_eq!((schema.encoding.as_str(), message.channel.message_encoding.as_str()), ("jsonschema", "json"));
        let described: Value = serde_json::from_slice(&schema.data).unwrap();
        let value: Value = serde_json::from_slice(&message.data).unwrap();
        let fields: BTreeSet<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(fields, described["properties"].as_object().unwrap().keys().collect(), "{}", schema.name);
        let camera = message.channel.topic.split('/').nth(2).unwrap().to_owned();
        match schema.name.as_str() {
            "foxglove.RawImage" => {
                assert_eq!(
                    (value["width"].as_u64(), value["height"].as_u64()),
                    (Some(WIDTH as u64), Some(HEIGHT as u64))
                );
                assert_eq!(value["data"].as_str().map(str::len), Some(WIDTH * HEIGHT * 3 / 3 * 4));
                let stamp = &value["timestamp"];
                let ns = stamp["sec"].as_u64().unwrap() * synthetic::SECOND + stamp["nsec"].as_u64().unwrap();
                assert_eq!(ns, message.log_time);
                images.entry(camera).or_default().insert(message.log_time);
            }
            "foxglove.ImageAnnotations" => {
                let points = value["points"].as_array().unwrap();
                assert_eq!(points.len(), value["texts"].as_array().unwrap().len());
                assert!(points.iter().all(|outline| outline["points"].as_array().unwrap().len() == 4));
                drawn += points.len() as u64;
                boxes.entry(camera).or_default().insert(message.log_time);
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(images.len(), 2);
    for (camera, moments) in &images {
        assert!(moments.is_subset(&boxes[camera]), "every image has boxes of exactly its moment");
    }
    let report = build(find(&run)).0;
    assert_eq!(drawn, report.services.last().unwrap().boxes);
}

/// The exit code of the script where Python or its packages cannot be had.
const CANNOT_CHECK: i32 = 77;

#[test]
fn images_and_boxes_are_read_by_mcap_s_own_reader_and_are_foxglove_s_published_messages() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { keep_every: 10, ..Plan::default() });
    let path = folder.path().join("run.mcap");
    mcap::write(&find(&run), &path).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foxglove_reader.sh");
    let read = |path: &Path| Command::new("sh").arg(&script).arg(path).output();
    let Ok(ran) = read(&path) else {
        eprintln!("SKIPPED: Foxglove's reader needs a shell");
        return;
    };
    let (said, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    if ran.status.code() == Some(CANNOT_CHECK) {
        eprintln!("SKIPPED: Foxglove's reader cannot run here: {complained}");
        return;
    }
    assert!(ran.status.success(), "{said}{complained}");
    let topics: BTreeMap<String, Value> = serde_json::from_str(said.trim()).unwrap();
    let boxes = build(find(&run)).0.services.last().unwrap().boxes;
    let of = |schema: &str, what: &str| {
        let topics = topics.values().filter(|topic| topic["schema"] == schema);
        topics.map(|topic| topic[what].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(topics.len(), 4, "{topics:?}");
    assert_eq!(of("foxglove.RawImage", "messages"), 20);
    assert_eq!(of("foxglove.ImageAnnotations", "messages"), run.frames);
    assert_eq!(of("foxglove.ImageAnnotations", "outlines"), boxes);
    // One byte of a message, in the middle of the file: the check can fail.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(!read(&path).unwrap().status.success(), "damage is seen");
}

#[test]
fn prometheus_has_every_service_and_hop() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan::default());
    let (_, measured) = build(find(&run));
    let text = prometheus::text(&measured);
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
    assert_eq!(value("turbo_hop_seconds_count{hop=\"total\"}"), Some(run.frames));
    assert_eq!(value("turbo_decision_latency_seconds_bucket{service=\"1\",le=\"+Inf\"}"), Some(run.frames / 2));
    let sum: u64 = ["cloud", "vehicle", "none"]
        .iter()
        .filter_map(|source| value(&format!("turbo_decisions_total{{service=\"2\",source=\"{source}\"}}")))
        .sum();
    assert_eq!(sum, run.frames / 2);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
