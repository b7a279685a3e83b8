//! `turbo-bench hop` as a user runs it: every pair answers, the JSON has the promised keys, wrong use is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::process::{Command, Output};

use serde_json::Value;

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_turbo-bench")).args(words).output().expect("the program runs")
}

fn report(words: &[&str]) -> Value {
    let output = bench(words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object, and nothing else on stdout")
}

#[test]
fn every_crate_peer_answers_on_one_core_and_on_two() {
    let report = report(&["hop", "--calls", "200", "--warm-up", "20", "--rounds", "2", "--no-python", "--json"]);
    let rows = report["rows"].as_array().expect("rows");
    for name in ["turbo ring", "turbo mailbox", "crossbeam", "std sync", "iceoryx2", "UNIX socket pair", "pipe"] {
        let found = rows.iter().any(|row| row["name"].as_str().unwrap().starts_with(name));
        assert!(found, "{name} in {report}");
    }
    for row in rows {
        for key in ["name", "placement", "bytes", "p50_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns"] {
            assert!(!row[key].is_null(), "{key} in {row}");
        }
        let quantiles = ["p50_ns", "p95_ns", "p99_ns", "p999_ns", "max_ns"].map(|key| row[key].as_u64().unwrap());
        assert!(quantiles[0] > 0 && quantiles.is_sorted(), "{row}");
        assert_eq!((row["calls"].as_u64(), row["rounds"].as_u64()), (Some(200), Some(2)), "{row}");
    }
    for key in ["cpu", "cores", "kernel", "scheduling"] {
        assert!(!report["host"][key].is_null(), "{key} in {report}");
    }
    let two_cores = report["host"]["cores"].as_array().unwrap().len() > 1;
    assert_eq!(report["ratios"].as_object().unwrap().is_empty(), !two_cores, "{report}");
    // What spins for ever is left out where both ends share a core, and that is said.
    let skipped = report["skipped"].as_array().unwrap();
    assert!(skipped.iter().any(|skipped| skipped["name"] == "turbo ring, spin"), "{report}");
}

#[test]
fn without_an_environment_the_python_peers_are_left_out_loudly() {
    let output = Command::new(env!("CARGO_BIN_EXE_turbo-bench"))
        .args(["hop", "--calls", "1", "--only", "ZeroMQ", "--json"])
        .env_remove("XDG_CACHE_HOME")
        .env_remove("HOME")
        .output()
        .expect("the program runs");
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["rows"].as_array().unwrap().is_empty(), "{report}");
    assert!(report["skipped"][0]["reason"].as_str().unwrap().contains("Python"), "{report}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("SKIPPED"));
}

#[test]
fn wrong_use_is_2_and_says_what_was_wrong() {
    for (words, said) in [
        (&["hop", "--calls", "0"][..], "at least 1"),
        (&["hop", "--only", "nobody"], "nobody"),
        (&["answer", "nobody"], "nobody"),
        (&["answer", "pipe", "77777", "77778"], "77777"),
        (&["nothing"], "nothing"),
    ] {
        let output = bench(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(said), "{words:?}: {text}");
    }
}
