//! `turbo simulate --like`: a live run of the demo, simulated again from what its directory says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
mod program;

use std::path::Path;
use std::time::Duration;

use program::{Ended, Program, turbo};
use serde_json::Value;

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

fn run(dir: &Path, words: &[&str]) -> Ended {
    Program::start(turbo(dir).args(words)).wait(PATIENCE)
}

fn object(run: &Ended) -> Value {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(run.stdout.trim()).expect("one JSON object")
}

#[test]
fn a_live_run_is_simulated_from_its_directory_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let link = ["--mean-mbps", "12", "--rtt", "30ms", "--seed", "7"];
    let words = [&["demo", "--for", "8s", "--slo", "1s", "--fps", "2", "--json"], &link[..]].concat();
    let lived = object(&run(dir, &words));
    let run_dir = lived["run_dir"].as_str().unwrap();

    let likeness = object(&run(dir, &["simulate", "--like", run_dir, "--json"]));
    let (live, simulated) = (&likeness["live"], &likeness["simulated"]);
    assert_eq!((&live["frames"], &live["in_time"]), (&lived["frames"], &lived["from_cloud"]), "{likeness} {lived}");
    for (key, expected) in [("mean_mbps", 12.0), ("rtt_ms", 30.0), ("loss", 0.0)] {
        assert!((likeness[key].as_f64().unwrap() - expected).abs() < 0.01, "{key}: {likeness}");
    }
    assert_eq!((&likeness["trace"], &likeness["policy"]), (&"generated:7".into(), &"turbo".into()));
    assert!(likeness["trace_from_s"].as_f64().unwrap() > 0.0, "the cloud starts before the car: {likeness}");
    let number = |of: &Value, key: &str| of[key].as_f64().unwrap_or_else(|| panic!("{key}: {likeness}"));
    // A busy machine's cameras are not on the dot.
    let few = lived["services"].as_array().unwrap().len() as f64 + 0.1 * number(live, "frames");
    assert!((number(live, "frames") - number(simulated, "frames")).abs() <= few, "{likeness}");
    for of in [live, simulated] {
        assert!(number(of, "sent") > 0.0 && number(of, "in_time") <= number(of, "sent"), "{likeness}");
        // The last digit of a number may change on its way through JSON.
        assert!((number(of, "on_time") - number(of, "in_time") / number(of, "sent")).abs() < 1e-9, "{likeness}");
        assert!((0.18..=0.46).contains(&number(of, "utility")), "within the demo table: {likeness}");
    }
    let difference = number(simulated, "on_time") - number(live, "on_time");
    assert!((number(&likeness, "on_time_difference") - difference).abs() < 1e-9);
    let again = object(&run(dir, &["simulate", "--like", run_dir, "--json"]));
    assert_eq!(again, likeness, "the same seed gives the same answer");
    let text = run(dir, &["simulate", "--like", run_dir]).stdout;
    for part in ["turbo on generated:7, 12 Mbit/s", "\nlive ", "\nsimulated ", "\ndifference ", "points"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn what_is_no_run_over_the_emulated_link_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("broken")).unwrap();
    std::fs::write(dir.join("broken/run.yaml"), "command: [turbo\n").unwrap();
    std::fs::create_dir(dir.join("car")).unwrap();
    std::fs::write(dir.join("car/run.yaml"), "command: [turbo, car]\nconfiguration: '{}'\n").unwrap();
    for (words, code, said) in [
        (&["--like", "missing"][..], 78, "missing/run.yaml: cannot be read"),
        (&["--like", "broken"], 78, "broken/run.yaml: is no run information"),
        (&["--like", "car"], 78, "car/run.yaml: the run was not over the emulated link"),
        (&["--like", "car", "--mean-mbps", "5"], 2, "cannot be used with"),
        (&["--like", "car", "--csv", "x"], 2, "cannot be used with"),
    ] {
        let run = run(dir, &[&["simulate"], words].concat());
        assert_eq!(run.code, Some(code), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{words:?}: {}", run.stderr);
    }
}
