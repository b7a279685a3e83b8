//! `turbo check`: says of every file what a start would say, and starts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
mod program;

use std::path::Path;
use std::time::Duration;

use program::{Ended, Program, turbo};

const PATIENCE: Duration = Duration::from_secs(60);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped profile `file` in `dir` with its paths as they are here, and `change` in it.
fn write(dir: &Path, file: &str, change: (&str, &str)) {
    let text = std::fs::read_to_string(root().join("config").join(file)).unwrap();
    assert!(text.contains(change.0), "{file} has no {:?}", change.0);
    let text = text.replacen(change.0, change.1, 1);
    let text = text.replace("../inference", root().join("inference").to_str().unwrap());
    let text = text.replace("tables/demo.yaml", root().join("config/tables/demo.yaml").to_str().unwrap());
    std::fs::write(dir.join(file), text).unwrap();
}

fn check(dir: &Path, words: &[&str]) -> Ended {
    Program::start(turbo(dir).arg("check").args(words)).wait(PATIENCE)
}

#[test]
fn what_is_right_is_named_and_nothing_is_started() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "demo-car.yaml", ("\n", "\n"));
    let table = root().join("config/tables/efficientdet-coco.yaml");
    let run = check(dir.path(), &["demo-car.yaml", table.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("demo-car.yaml: a car's profile: services 3, configurations 18"), "{}", run.stdout);
    assert!(run.stdout.contains("efficientdet-coco.yaml: a utility table: configurations"), "{}", run.stdout);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no run directory was made");
}

#[test]
fn every_file_is_looked_at_though_one_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "demo-car.yaml", ("hysteresis: 0.005", "hysteresis: lots"));
    std::fs::write(dir.path().join("empty.yaml"), "").unwrap();
    let table = root().join("config/tables/demo.yaml");
    let run = check(dir.path(), &["demo-car.yaml", "gone.yaml", "empty.yaml", table.to_str().unwrap()]);
    assert_eq!(run.code, Some(78), "{}", run.stderr);
    for said in ["demo-car.yaml:", "lots", "gone.yaml", "No such file", "empty.yaml", "3 of 4 files refused"] {
        assert!(run.stderr.contains(said), "no {said:?} in {}", run.stderr);
    }
    assert!(run.stdout.contains("demo.yaml: a utility table: configurations 18, beside edd0"), "{}", run.stdout);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

#[test]
fn what_a_profile_names_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = [
        ("turbo-edd0.onnx", "turbo-edd1.onnx", "another edd0"),
        ("turbo-edd0.onnx", "gone.onnx", "gone.onnx"),
        ("policy: turbo", "policy: fixed:edd9-imgcompNone-inpcompNone", "edd9"),
    ];
    for (old, new, said) in wrong {
        write(dir.path(), "demo-car.yaml", (old, new));
        let run = check(dir.path(), &["demo-car.yaml", "--json"]);
        assert_eq!(run.code, Some(78), "{new}: {}", run.stderr);
        let object: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let file = &object["files"][0];
        assert_eq!((&file["file"], &file["ok"]), (&"demo-car.yaml".into(), &false.into()), "{object}");
        assert!(file["says"].as_str().unwrap().contains(said), "{object}");
    }
}

#[test]
fn a_cloud_is_checked_with_its_certificates() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "demo-cloud.yaml", ("\n", "\n"));
    let run = check(dir.path(), &["demo-cloud.yaml"]);
    assert_eq!(run.code, Some(78), "it has no certificates yet: {}", run.stdout);
    assert!(run.stderr.contains("certs/ca.pem"), "{}", run.stderr);
    let made = Program::start(turbo(dir.path()).args(["certs", "init", "certs"])).wait(PATIENCE);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let run = check(dir.path(), &["demo-cloud.yaml"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let said = "demo-cloud.yaml: a cloud's profile: models 2, workers 1, at 127.0.0.1:0 as turbo-cloud";
    assert!(run.stdout.contains(said), "{}", run.stdout);
}
