//! A generated run, reported: what went in comes out.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly, as tests may")]

mod synthetic;

use std::path::PathBuf;

use synthetic::{Plan, generate};
use turbo_report::compare::compare;
use turbo_report::report::{Report, build};
use turbo_report::run::Run;
use turbo_report::show::{html, terminal};

fn report(path: &std::path::Path) -> Report {
    build(Run::find(&[path.to_owned()]).unwrap()).0
}

#[test]
fn a_whole_run_s_numbers_are_those_that_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 30, ..Plan::default() });
    let report = report(&run.client);
    assert!(!report.missing.any(), "{:?}", report.missing);
    assert_eq!(report.missing.findings, []);
    assert_eq!(report.run.directories.len(), 4, "{:?}", report.run.directories);
    let all = report.services.last().unwrap();
    assert_eq!((all.service, all.frames, report.services.len()), (None, run.frames, 3));
    assert_eq!(all.from("cloud"), run.from_cloud);
    assert_eq!(all.sources.values().sum::<u64>(), run.frames);
    assert_eq!(all.outcomes.values().sum::<u64>(), run.frames);
    assert_eq!(all.slo_ms.map(f64::round), Some(200.0));
    // A decision is late in at most the tenth of those that wait for their deadline; every one of the others is on time.
    assert!(all.on_time >= run.from_cloud && all.on_time < run.frames, "{} of {}", all.on_time, run.frames);
    assert_eq!(report.cloud.iter().map(|cloud| cloud.requests).sum::<u64>(), run.from_cloud);
    assert_eq!(report.cameras.iter().map(|camera| camera.frames).sum::<u64>(), run.frames);
    let total = report.hops.iter().find(|hop| hop.name == "total").unwrap();
    let latency = all.latency_ms.unwrap();
    // The same times by two ways: the program's histogram, and the columns of log type 1 (some 0.2 ms earlier).
    assert_eq!(total.ms.count, latency.count);
    assert!((total.ms.p50 - latency.p50).abs() < 1.0, "{total:?} {latency:?}");
    let utility = report.utility.unwrap();
    assert!(utility.on_vehicle < utility.delivered && utility.delivered < utility.expected, "{utility:?}");
    let bandwidth = &report.bandwidth;
    assert!(bandwidth.allocated_mbps < bandwidth.available_mbps, "{bandwidth:?}");
    let shares: f64 = bandwidth.allocated_by_service_mbps.values().sum();
    assert!((shares - bandwidth.allocated_mbps.unwrap()).abs() < 1e-6);
    let sent: f64 = bandwidth.sent_bytes.unwrap() as f64;
    let used = bandwidth.used_mbps.unwrap() * report.run.seconds / 8e-6;
    assert!((sent / used - 1.0).abs() < 0.05, "{sent} bytes by log type 7, {used} by type 1");
    assert!(report.drops.contains_key("superseded"), "{:?}", report.drops);
    let frames: f64 = report.series.points.iter().map(|point| point.frames).sum();
    assert_eq!(frames, run.frames as f64);
}

#[test]
fn part_size_changes_no_number() {
    let [small, large] = [7, 100_000].map(|max_entries| {
        let folder = tempfile::tempdir().unwrap();
        let run = generate(folder.path(), &Plan { seconds: 12, max_entries, ..Plan::default() });
        let mut report = report(&run.client);
        // What differs and may: where it lay, in how many parts, and means that are cut at parts' ends.
        report.run.directories.clear();
        report.run.parts = 0;
        (serde_json::to_value(&report.services).unwrap(), serde_json::to_value(&report.cloud).unwrap(), report.drops)
    });
    assert_eq!(small, large);
}

#[test]
fn any_directory_of_the_run_and_the_one_above_mean_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 2, ..Plan::default() });
    let quic = run.quic_logs.parent().unwrap().to_owned();
    let frames = |paths: &[PathBuf]| {
        let run = Run::find(paths).unwrap();
        (run.name.clone(), run.dirs.len(), run.logs.len(), build(run).0.services.last().map(|all| all.frames))
    };
    let expected = frames(std::slice::from_ref(&run.client));
    assert_eq!(expected.1, 4);
    assert_eq!(frames(std::slice::from_ref(&quic)).0, expected.0);
    assert_eq!(frames(std::slice::from_ref(&run.output)), expected);
    assert_eq!(frames(&[run.client.clone(), quic]), expected);
    // The log directory alone is what it is.
    assert_eq!(frames(std::slice::from_ref(&run.client_logs)).3, expected.3);
}

#[test]
fn the_terminal_has_the_losses_first_and_the_page_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 30, ..Plan::default() });
    std::fs::remove_file(run.client_logs.join("client_queries_service1_temp1.csv")).unwrap();
    let report = report(&run.client);
    let text = terminal::text(&report);
    let place = |word: &str| text.find(word).unwrap_or_else(|| panic!("no {word:?} in\n{text}"));
    assert!(place("MISSING") < place("service "), "{text}");
    assert!(place("1 parts missing") < place("service "), "{text}");
    for word in ["on time", "cloud_inference", "utility expected", "uplink Mbit/s used", "dropped", "▁"] {
        place(word);
    }
    let page = html::page(&report);
    assert!(page.contains("<svg") && page.contains("Missing:") && page.ends_with("</html>\n"));
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
}

#[test]
fn a_run_compared_with_itself_differs_in_nothing_and_with_a_worse_one_in_more_than_chance() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 60, ..Plan::default() });
    let good = report(&run.client);
    let same = compare(&good, &good);
    assert!(same.rows.iter().all(|row| row.difference.is_none_or(|difference| difference == 0.0)), "{same:?}");
    let on_time = |comparison: &turbo_report::compare::Comparison| {
        comparison.rows.iter().find(|row| row.name == "all: on time").unwrap().clone()
    };
    let [low, high] = on_time(&same).interval.unwrap();
    assert!(low <= 0.0 && high >= 0.0, "{low} {high}");
    let mut worse = good.clone();
    for point in &mut worse.series.points {
        point.on_time *= 0.5;
    }
    let all = worse.services.last_mut().unwrap();
    all.attainment = all.attainment.map(|share| share * 0.5);
    let row = on_time(&compare(&good, &worse));
    assert!(row.interval.unwrap()[1] < 0.0, "{row:?}");
    assert_eq!(row.samples, [run.frames; 2]);
}
