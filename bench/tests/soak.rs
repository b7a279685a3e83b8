//! `turbo-soak` as a user runs it: a short one passes, and one whose peer dies of itself does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rt_core::clock::Monotonic;
use serde_json::Value;

fn soak() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turbo-soak"));
    command.args(["--json", "--seconds"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_short_soak_passes_and_accounts_for_every_descriptor() {
    let output = soak().arg("4").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object, and nothing else on stdout");
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    let hops = report["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 5, "two of each of two cameras, one to the second process: {report}");
    for hop in hops {
        let count = |key: &str| hop[key].as_u64().unwrap();
        assert!(count("received") > 0 && count("sent") == count("lost") + count("received"), "{hop}");
    }
    assert_eq!(report["violations"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn a_peer_that_nobody_of_the_soak_killed_fails_it() {
    let mut soak = soak().arg("60").spawn().unwrap();
    let patience = Monotonic::now().plus(Duration::from_secs(90));
    // The soak may itself replace the peer at that very moment; then the next one dies. Only what is its child now is
    // killed: a number from before may be somebody else's.
    let status = loop {
        if let Some(status) = soak.try_wait().unwrap() {
            break status;
        }
        assert!(Monotonic::now() < patience, "it ends");
        if let Some(peer) = a_child_of(soak.id()) {
            let _ = kill(peer, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(1));
    let output = soak.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report even then");
    let violations = report["violations"].to_string();
    assert!(violations.contains("ended by itself") || violations.contains("never got ready"), "{report}");
    assert!(report["seconds"].as_f64().unwrap() < 50.0, "it ends at once, not at its time: {report}");
}

fn a_child_of(parent: u32) -> Option<Pid> {
    for task in std::fs::read_dir(format!("/proc/{parent}/task")).ok()?.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        if let Some(child) = children.split_whitespace().next().and_then(|pid| pid.parse().ok()) {
            return Some(Pid::from_raw(child));
        }
    }
    None
}
