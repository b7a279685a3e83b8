//! `turbo-bench frame` as a user runs it, shortened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::process::Command;

use serde_json::Value;

#[test]
fn every_way_hands_over_small_and_large_frames_and_the_costs_are_counted() {
    let words = ["frame", "--bytes", "8", "--bytes", "262144", "--divide-calls", "50", "--rounds", "2", "--no-python"];
    let output = Command::new(env!("CARGO_BIN_EXE_turbo-bench")).args(words).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object, and nothing else on stdout");
    let rows = report["rows"].as_array().unwrap();
    for name in [
        "turbo slot lease, threads",
        "turbo slot lease, processes",
        "turbo slot lease, copied in, processes",
        "UNIX socket pair, processes",
        "pipe, processes",
        "pipe with vmsplice, processes",
    ] {
        for bytes in [8, 262_144] {
            let row = rows.iter().find(|row| row["name"] == name && row["bytes"] == bytes);
            let row = row.unwrap_or_else(|| panic!("{name} with {bytes} bytes in {report}"));
            assert!(row["p50_ns"].as_u64().unwrap() > 0 && row["bandwidth_mb_s"].as_f64().unwrap() > 0.0, "{row}");
        }
    }
    assert!(!report["crossovers"].as_array().unwrap().is_empty(), "{report}");
    for pace in ["at_camera_pace", "back_to_back"] {
        let cost = &report["hand_over"][pace];
        assert_eq!(cost["heap_calls_per_frame"], 0.0, "{cost}");
        assert_eq!(cost["raw_bytes_copied_per_frame"], 0, "{cost}");
        match cost["system_calls_per_frame"].as_object() {
            Some(calls) => {
                // Sleeping and waking is all that a hand-over may ask the kernel for; rarer calls belong to start-up
                // and end, where the two traced runs may differ by one or two.
                let other = |(name, rate): (&String, &Value)| {
                    !["futex", "clock_nanosleep"].contains(&name.as_str()) && rate.as_f64().unwrap() > 0.05
                };
                assert!(!calls.iter().any(other), "{cost}");
            }
            None => {
                assert!(!cost["unknown_because"].as_str().unwrap().is_empty(), "{cost}");
                eprintln!("SKIPPED: system calls per frame: {}", cost["unknown_because"]);
            }
        }
    }
}

#[test]
fn a_size_that_no_channel_carries_is_wrong_use() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_turbo-bench")).args(["frame", "--bytes", "50000001"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("50000001"));
}
