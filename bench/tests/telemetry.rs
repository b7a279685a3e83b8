//! `turbo-bench telemetry` as a user runs it: at a small rate nothing is lost, every record is accounted for, the JSON has
//! the promised keys, wrong use is told. No rate and no time is asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::process::{Command, Output};

use serde_json::Value;

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_turbo-bench")).arg("telemetry").args(words).output().expect("the program runs")
}

#[test]
fn at_a_small_rate_nothing_is_lost_and_every_record_is_in_the_event_log() {
    let dir = tempfile::tempdir().unwrap();
    let words =
        ["--seconds", "1", "--producers", "3", "--rate", "20000", "--json", "--dir", dir.path().to_str().unwrap()];
    let output = bench(&words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object, and nothing else on stdout");
    let [row] = report["rows"].as_array().unwrap().as_slice() else { panic!("{report}") };
    for key in
        ["seconds", "records_per_s", "emit_p50_ns", "offered_per_s", "collector_ns_per_record", "cpu_ns_per_record"]
    {
        assert!(row[key].as_f64().unwrap() > 0.0, "{key} in {row}");
    }
    for key in ["lost", "refused", "expired"] {
        assert_eq!(row[key], 0, "{key} in {row}");
    }
    assert_eq!(row["producers"], 3);
    let records = (row["records_per_s"].as_f64().unwrap() * row["seconds"].as_f64().unwrap()).round() as u64;
    assert_eq!(row["written"], records, "{row}");
    let files = std::fs::read_dir(dir.path().join("events-3")).unwrap().map(|entry| entry.unwrap().path());
    let events: Vec<_> = files.flat_map(|path| telemetry::events::EventFile::open(&path).unwrap()).collect();
    assert_eq!(events.len() as u64, records);
    assert!(events.iter().all(Result::is_ok));
    let peers = report["peers"].as_array().unwrap();
    assert_eq!(peers.len(), 2, "{report}");
    for peer in peers {
        assert_eq!((&peer["lost"], &peer["producers"]), (&Value::from(0), &Value::from(3)), "{peer}");
        assert!(peer["records_per_s"].as_f64().unwrap() > 0.0 && peer["cpu_ns_per_record"].as_f64().unwrap() > 0.0);
    }
    for ratio in report["ratios"].as_array().unwrap() {
        for key in ["records_per_s", "emit_p50", "cpu_per_record"] {
            assert!(ratio[key].as_f64().unwrap() > 0.0, "{key} in {ratio}");
        }
    }
    assert!(!report["host"]["cpu"].is_null());
}

#[test]
fn a_rate_below_the_claim_fails_the_check() {
    // A claimed number of producers at a rate far below the claim: the check has to see that it does not hold.
    let output = bench(&["--seconds", "1", "--producers", "10", "--rate", "1000", "--no-peers", "--json", "--check"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("at least 4000000 a second"), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["peers"].as_array().unwrap().is_empty());
}

#[test]
fn wrong_use_is_2_and_says_what_was_wrong() {
    for (words, said) in [(&["--seconds", "0"][..], "at least 1"), (&["--producers", "many"], "many")] {
        let output = bench(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}
