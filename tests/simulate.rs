//! `turbo simulate` as a user runs it: the grid, the same answer again, and what it says of bad input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_turbo")).arg("simulate").args(arguments).output().unwrap()
}

fn runs(output: &Output) -> Vec<serde_json::Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    document["runs"].as_array().unwrap().clone()
}

fn temporary(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

#[test]
fn the_grid_is_complete_repeatable_and_bounded_by_the_oracle() {
    let arguments = [
        "--mean-mbps",
        "5,40",
        "--rtt",
        "20ms,60ms",
        "--loss",
        "0,0.01",
        "--slo",
        "200ms",
        "--for",
        "20s",
        "--json",
        "--policy",
        "turbo,oracle,on-vehicle,prototype,fixed:edd4-imgcompNone-inpcomp50",
    ];
    let first = simulate(&arguments);
    let rows = runs(&first);
    assert_eq!(rows.len(), 2 * 2 * 2 * 5);
    for row in &rows {
        for key in ["mean_mbps", "rtt_ms", "loss", "slo_ms", "utility", "on_time", "switches", "regret"] {
            assert!(row[key].is_number(), "{key} in {row}");
        }
        assert!(row["trace"].is_string() && row["policy"].is_string());
        assert!(row["regret"].as_f64().unwrap() >= -1e-9, "{row}");
        assert!(row["utility"].as_f64().unwrap() > 0.3 && row["on_time"].as_f64().unwrap() <= 1.0);
    }
    assert_eq!(first.stdout, simulate(&arguments).stdout, "the same seed gives the same runs");
    let other = simulate(&[&arguments[..], &["--seed", "2"]].concat());
    assert_ne!(first.stdout, other.stdout);
}

#[test]
fn reports_are_written_and_the_table_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (csv, parquet, plot, course) = (file("r.csv"), file("r.parquet"), file("u.svg"), file("c.svg"));
    let output = simulate(&[
        "--mean-mbps",
        "5,40",
        "--for",
        "10s",
        "--csv",
        &csv,
        "--parquet",
        &parquet,
        "--plot",
        &plot,
        "--course",
        &course,
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("over on-vehicle") && text.contains("fixed:edd7x-imgcompNone-inpcomp50"), "{text}");
    let csv = std::fs::read_to_string(csv).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 15);
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|line| line.split(',').count() == columns));
    let parquet = std::fs::read(parquet).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    for plot in [plot, course] {
        let svg = std::fs::read_to_string(plot).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("turbo") && !svg.contains("NaN"), "{svg}");
    }
}

#[test]
fn a_cost_of_bytes_lowers_their_use_and_never_costs_the_floor() {
    let at = |cost: &str| {
        let arguments =
            ["--mean-mbps", "40", "--rtt", "20ms", "--for", "20s", "--json", "--policy", "turbo,on-vehicle"];
        let rows = runs(&simulate(&[&arguments[..], &["--cost-per-mb", cost]].concat()));
        let of = |policy: &str, key: &str| {
            rows.iter().find(|row| row["policy"] == policy).and_then(|row| row[key].as_f64()).unwrap()
        };
        assert!(of("turbo", "utility") >= of("on-vehicle", "utility"), "{rows:?}");
        assert_eq!(of("on-vehicle", "uplink_mb"), 0.0);
        (of("turbo", "uplink_mb"), of("turbo", "utility"))
    };
    let (free, dear, too_dear) = (at("0"), at("0.7"), at("1000"));
    assert!(free.0 > dear.0 && free.1 > dear.1, "{free:?} {dear:?}");
    // What remains are probes: the cheapest configuration twice a second.
    assert!(dear.0 > 1.3 * too_dear.0, "{dear:?} {too_dear:?}");
    let refused = simulate(&["--cost-per-mb=-1"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("from 0 to 1000"));
}

#[test]
fn bad_input_is_refused_with_what_would_be_right() {
    for (content, expected) in [("", "no delivery times"), ("5\nx\n", ":2:1"), ("7\n3\n", "earlier")] {
        let (_dir, path) = temporary("bad.up", content);
        let output = simulate(&["--trace", path.to_str().unwrap(), "--json"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{message}");
        assert!(message.contains("bad.up") && message.contains(expected), "{message}");
    }
    for (arguments, code, expected) in [
        (["--for", "100ms"], 2, "200ms or more"),
        (["--margin", "300ms"], 2, "shorter margin"),
        (["--mean-mbps", "-5"], 2, "from 0"),
        (["--loss", "-0.1"], 2, "below 1"),
        (["--fps", "NaN"], 2, "0.1 to 1000"),
        (["--hysteresis", "-1"], 2, "from 0 to 1"),
        (["--hysteresis", "NaN"], 2, "from 0 to 1"),
        (["--trace", "missing.up"], 78, "missing.up"),
        (["--policy", "best"], 2, "expected turbo, prototype"),
        (["--policy", "fixed:edd9-imgcompNone-inpcomp50"], 78, "it has edd2-imgcomp50-inpcompNone"),
        (["--loss", "1"], 2, "below 1"),
        (["--rtt", "50"], 2, "200ms"),
        (["--slo", "0ms"], 2, "60s"),
        (["--mean-mbps", "0"], 2, "above 0"),
    ] {
        let output = simulate(&arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_table_that_is_none_is_refused_with_its_line() {
    let table = include_str!("../config/tables/efficientdet-coco.yaml");
    for (right, wrong, below, expected) in [
        ("payload_megabit_mean: 0.39", "payload_megabit_mean: .nan", 0, "0.0001 to 10000"),
        ("payload_megabit_mean: 0.39", "payload_megabit_mean: -1", 0, "0.0001 to 10000"),
        ("payload_megabit_p50: 0.39", "payload_megabit_p50: 0.99", 1, "expected at least that"),
        ("execution_ms_p50: 53.0", "execution_ms_p50: 153.0", 1, "expected at least that"),
        ("accuracy: 0.43", "accuracy: 1.5", 0, "expected 0 to 1"),
        ("edd2-imgcompNone-inpcomp50", "edd2-imgcomp50-inpcompNone", 0, "as in entry 0"),
        ("edd2-imgcompNone-inpcomp50", "edd2-imgcomp60-inpcompNone", 0, "unknown compression"),
    ] {
        let line = 1 + below + table.lines().position(|line| line.contains(right)).expect(right);
        let (_dir, path) = temporary("table.yaml", &table.replacen(right, wrong, 1));
        let output = simulate(&["--table", path.to_str().unwrap(), "--for", "2s", "--json"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{message}");
        assert!(message.contains(&format!("table.yaml:{line}:")) && message.contains(expected), "{message}");
    }
    let empty = "provenance: x\nvehicle:\n  model: a\n  execution_ms_p95: 1\n  accuracy: 0.4\nentries: []\n";
    let (_dir, path) = temporary("table.yaml", empty);
    let output = simulate(&["--table", path.to_str().unwrap(), "--for", "2s"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("table.yaml:6:10: `entries` is empty"));
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn a_trace_named_twice_is_refused() {
    let (_dir, path) = temporary("one.up", "1\n");
    let path = path.to_str().unwrap();
    let output = simulate(&["--trace", path, "--trace", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("twice"));
}

#[test]
fn turbo_is_never_below_the_on_vehicle_detector_on_recorded_traces() {
    let Some(data) = testkit::data::shared("traces") else { return };
    let names = ["ATT-LTE-driving.up", "TMobile-LTE-short.up", "TMobile-UMTS-driving.up"];
    let files: Vec<String> = names.iter().map(|name| data.join(name).display().to_string()).collect();
    let mut arguments = vec!["--mean-mbps", "5,20,80", "--rtt", "20ms,50ms,100ms", "--slo", "150ms,200ms,250ms"];
    arguments.extend(["--for", "30s", "--policy", "turbo,on-vehicle", "--json"]);
    for file in &files {
        arguments.extend(["--trace", file]);
    }
    let rows = runs(&simulate(&arguments));
    assert_eq!(rows.len(), 3 * 27 * 2);
    for row in rows {
        let of = |key: &str| row[key].as_f64().expect("a number");
        // Both are means of the same 450 terms, added in different orders: equal but for the last digits.
        assert!(of("utility") >= of("on_vehicle_utility") - 1e-12, "{row}");
    }
}
