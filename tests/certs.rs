//! Certificates from the command line: made, issued, shown, refused, and read again by running processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use program::{Ended, Program, turbo};

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

fn certs(dir: &Path, words: &[&str]) -> Ended {
    let run = Program::start(turbo(dir).arg("certs").args(words)).wait(PATIENCE);
    assert!(!run.stderr.contains("panicked"), "{words:?}: {}", run.stderr);
    run
}

fn made(dir: &Path, words: &[&str]) -> serde_json::Value {
    let run = certs(dir, words);
    assert_eq!(run.code, Some(0), "{words:?}: {}", run.stderr);
    serde_json::from_str(run.stdout.trim()).expect("one JSON object")
}

fn refused(dir: &Path, words: &[&str], code: i32, said: &str) {
    let run = certs(dir, words);
    assert_eq!(run.code, Some(code), "{words:?}: {}", run.stderr);
    assert!(run.stderr.contains(said), "{words:?}: no {said:?} in {}", run.stderr);
}

#[test]
fn a_small_authority_makes_what_cloud_and_cars_need() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let cloud = made(here, &["init", "pki", "--name", "cloud.example", "--days", "30", "--json"]);
    assert_eq!(
        (cloud["subject"].as_str(), cloud["key"].as_str()),
        (Some("cloud cloud.example"), Some("pki/cloud.key"))
    );
    let car = made(here, &["issue", "pki", "--car", "north-1", "--json"]);
    let identity = car["subject"].as_str().unwrap().to_owned();
    assert!(identity.starts_with("car/north-1/"), "{car}");
    let shown = made(here, &["show", "pki/north-1/car.pem", "--json"]);
    let shown = &shown["certificates"][0];
    assert_eq!((shown["role"].as_str(), shown["identity"].as_str()), (Some("car"), Some(&*identity)));
    assert_eq!((&shown["serial"], &shown["not_after"]), (&car["serial"], &car["not_after"]));
    let person = certs(here, &["show", "pki/cloud.pem"]).stdout;
    assert!(person.contains("role        cloud\n") && person.contains("cloud.example"), "{person}");
    for file in ["ca.key", "cloud.key", "north-1/car.key"] {
        let mode = std::fs::metadata(here.join("pki").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(
        std::fs::read(here.join("pki/ca.pem")).unwrap(),
        std::fs::read(here.join("pki/north-1/ca.pem")).unwrap()
    );

    let before = std::fs::read(here.join("pki/north-1/car.key")).unwrap();
    refused(here, &["init", "pki"], 1, "pki/cloud.key exists already");
    refused(here, &["issue", "pki", "--car", "north-1"], 1, "pki/north-1/car.key exists already");
    assert_eq!(std::fs::read(here.join("pki/north-1/car.key")).unwrap(), before);
    let again = made(here, &["issue", "pki", "--car", "north-1", "--replace", "--json"]);
    assert_eq!(again["subject"], *identity, "the same car");
    assert_ne!(again["serial"], car["serial"]);
    let named = made(here, &["issue", "pki", "--car", &identity, "--out", "elsewhere", "--json"]);
    assert_eq!((named["subject"].as_str(), named["ca"].as_str()), (Some(&*identity), Some("elsewhere/ca.pem")));

    refused(here, &["issue", "pki"], 2, "--car");
    refused(here, &["issue", "pki", "--car", "a", "--fleet"], 2, "cannot be used with");
    refused(here, &["issue", "pki", "--car", "a b"], 2, "expected car/<name>/<uuid>");
    refused(here, &["issue", "pki", "--car", ".."], 2, "--out FOLDER");
    refused(here, &["issue", "pki", "--car", "a", "--days", "0"], 2, "--days");
    refused(here, &["issue", "pki", "--car", "a", "--days", "9999"], 2, "the authority has expired");
    refused(here, &["issue", "nowhere", "--car", "a"], 78, "nowhere/ca.pem");
    refused(here, &["show", "pki/cloud.key"], 78, "pki/cloud.key holds no certificate");
    std::fs::set_permissions(here.join("pki/ca.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    refused(here, &["issue", "pki", "--car", "a"], 78, "chmod 0600 pki/ca.key");
}

fn profile(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name).to_str().unwrap().to_owned()
}

fn hang_up(program: &Program) {
    // SAFETY: a plain system call on a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(i32::try_from(program.id()).unwrap(), libc::SIGHUP) }, 0);
}

#[test]
fn running_processes_read_their_certificates_again_when_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    made(here, &["init", "pki", "--json"]);
    let identity = made(here, &["issue", "pki", "--car", "a", "--json"])["subject"].as_str().unwrap().to_owned();
    // Chosen before, so that the car can be told.
    let address = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let words = ["cloud", &profile("demo-cloud.yaml"), "--certs", "pki", "--listen", &address, "--output-dir", "runs"];
    let mut cloud = Program::start(turbo(here).args(words));
    cloud.wait_line("listening on", PATIENCE);
    let words = ["car", &profile("demo-car.yaml"), "--certs", "pki/a", "--cloud", &address, "--output-dir", "runs"];
    let mut car = Program::start(turbo(here).args(words).args(["--fps", "1", "--json"]));
    cloud.wait_line(&format!("{identity} joined from"), PATIENCE);

    let serial =
        made(here, &["issue", "pki", "--car", "a", "--replace", "--json"])["serial"].as_str().unwrap().to_owned();
    hang_up(&car);
    car.wait_line(&serial, PATIENCE);
    made(here, &["issue", "pki", "--car", "b", "--out", "pki/a", "--replace", "--json"]);
    hang_up(&car);
    car.wait_line("those in force stay", PATIENCE);

    let words = ["issue", "pki", "--cloud", "--out", "pki", "--replace", "--json"];
    let serial = made(here, &words)["serial"].as_str().unwrap().to_owned();
    hang_up(&cloud);
    cloud.wait_line(&serial, PATIENCE);
    std::fs::set_permissions(here.join("pki/cloud.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    hang_up(&cloud);
    cloud.wait_line("those in force stay", PATIENCE);

    for program in [car, cloud] {
        // SAFETY: a plain system call on a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(i32::try_from(program.id()).unwrap(), libc::SIGTERM) }, 0);
        let ended = program.wait(PATIENCE);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    let words = ["cloud", &profile("demo-cloud.yaml"), "--certs", "pki", "--output-dir", "runs"];
    let refused = Program::start(turbo(here).args(words)).wait(PATIENCE);
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(refused.stderr.contains("chmod 0600 pki/cloud.key"), "{}", refused.stderr);
}
