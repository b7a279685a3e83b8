use super::*;
use crate::part_writer::LogHealth;
use crate::records::{FrameRecord, NoneReason, Outcome};
use crate::stats::RunStats;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::Detections;
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::trace::HopTimes;
use rt_core::trace::counters::{Counter, KernelCounter, ThreadCounters};

const SLO: Duration = Duration::from_millis(200);

fn decision(service: u16, seq: u64, latency: Duration, source: Source) -> FrameRecord {
    let capture = Monotonic::from_ns(1_000_000_000 + seq * 100_000_000);
    let mut hops = HopTimes::default();
    hops.set(Hop::Encode, Duration::from_micros(4_000));
    FrameRecord {
        meta: FrameMeta {
            service,
            seq,
            capture,
            deadline: Deadline::after_capture(capture, SLO),
            width: 640,
            height: 480,
            format: PixelFormat::Rgb8,
            scene: seq,
        },
        hops,
        source,
        outcome: if source == Source::Cloud { Outcome::OnTime } else { Outcome::Late },
        none_reason: (source == Source::None).then_some(NoneReason::DetectorBehind),
        delivered: Detections::new(),
        vehicle: None,
        config: Default::default(),
        uplink_bytes: 12_500,
        stale_results_drained: 0,
        start: capture,
        decision: capture.plus(latency),
        end: capture.plus(latency),
        camera_obtain: Duration::ZERO,
        camera_return: Duration::ZERO,
        request: None,
        response: None,
    }
}

fn report() -> CollectorReport {
    let mut stats = RunStats::default();
    // Ten per service; the last capture is 0.9 s after the first, its decision 0.1 s (0.201 s) later.
    for seq in 0..10 {
        stats.record(&decision(1, seq, Duration::from_millis(100), Source::Cloud));
        let source = if seq == 9 { Source::None } else { Source::Vehicle };
        stats.record(&decision(2, seq, Duration::from_millis(if seq == 0 { 201 } else { 100 }), source));
    }
    let (mut counters, watch) = ThreadCounters::new("encoder-1");
    counters.add(Counter::Items, 20);
    CollectorReport { stats, threads: vec![watch], ..CollectorReport::default() }
}

fn context() -> SummaryContext {
    let accuracy = Accuracy { delivered: Some(0.5), on_vehicle_only: Some(0.25) };
    SummaryContext { frames: 20, slo: SLO, accuracy, run_dir: "runs/x".to_owned() }
}

#[test]
fn the_object_has_exactly_the_promised_keys_in_their_order() {
    let json = serde_json::to_string(&Summary::new(&report(), &context())).unwrap();
    let mut at = 0;
    let keys = [
        "frames",
        "decisions",
        "decisions_late",
        "from_cloud",
        "from_vehicle",
        "none",
        "slo_ms",
        "latency_ms",
        "hops_us",
        "accuracy",
        "uplink_mbps",
        "run_dir",
        "services",
        "threads",
    ];
    for key in keys {
        let found = json[at..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} after {at} in {json}"));
        at += found;
    }
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value.as_object().unwrap().len(), keys.len());
    let keys_of = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys_of(&value["latency_ms"]), ["max", "p50", "p95", "p99"]);
    assert_eq!(keys_of(&value["accuracy"]), ["delivered", "on_vehicle_only"]);
    assert_eq!(keys_of(&value["hops_us"]), ["encode", "total"]);
    assert_eq!(keys_of(&value["hops_us"]["encode"]), ["p50", "p99"]);
    let thread = &value["threads"][0];
    assert_eq!((thread["thread"].as_str(), thread["items"].as_u64()), (Some("encoder-1"), Some(20)));
    assert_eq!(keys_of(thread).len(), 1 + Counter::COUNT + KernelCounter::COUNT);
}

#[test]
fn numbers_are_the_records() {
    let summary = Summary::new(&report(), &context());
    assert_eq!((summary.frames, summary.decisions, summary.decisions_late), (20, 20, 1));
    assert_eq!((summary.from_cloud, summary.from_vehicle, summary.none), (10, 9, 1));
    assert_eq!(summary.latency_ms.max, Some(201.0));
    assert!((summary.latency_ms.p50.unwrap() - 100.0).abs() < 0.1, "{:?}", summary.latency_ms);
    assert!(summary.latency_ms.p99.unwrap() <= 201.0);
    // 20 × 12,500 bytes in 1.0 s.
    assert!((summary.uplink_mbps - 2.0).abs() < 1e-9, "{}", summary.uplink_mbps);
    assert_eq!(summary.services.iter().map(|s| s.decisions).sum::<u64>(), 20);
}

#[test]
fn unknown_accuracy_and_a_run_without_decisions_are_null_and_not_zero() {
    let summary = Summary::new(&CollectorReport::default(), &SummaryContext::default());
    let value = serde_json::to_value(&summary).unwrap();
    assert!(value["accuracy"]["delivered"].is_null() && value["latency_ms"]["p99"].is_null());
    assert_eq!(value["uplink_mbps"], 0.0);
}

#[test]
fn the_table_says_losses_first() {
    let mut report = report();
    report.records_dropped = 3;
    report.logs =
        LogHealth { rows_lost: 7, rows_waiting: 9, last_error: Some("disk full".to_owned()), ..LogHealth::default() };
    let text = Summary::new(&report, &SummaryContext { frames: 21, ..context() }).table(&report);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what:?} in {text}"));
    assert!(at("21 frames captured, 20 decisions") < at("decisions "), "{text}");
    assert!(at("3 telemetry records lost") < at("service "));
    assert!(at("7 log rows lost: disk full") < at("service "));
    assert!(at("9 log rows wait in journals; `turbo recover`") < at("service "));
    assert!(at("10 (50.0 %)") < at("hop "));
    at("detector_behind 1");
    at("on_time 10, late 10");
    at("delivered 0.500, on-vehicle only 0.250 (+0.250)");
    at("runs/x");
}

#[test]
fn a_clean_run_has_no_warning() {
    let report = report();
    let text = Summary::new(&report, &context()).table(&report);
    assert!(!text.contains("WARNING"), "{text}");
}
