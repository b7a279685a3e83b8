//! `turbo link` from its command line: relaying, scripts, commands while it runs, and its self-test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
mod program;

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use program::{Ended, Program, turbo};

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn run(dir: &Path, words: &[&str]) -> Ended {
    Program::start(turbo(dir).args(words)).wait(PATIENCE)
}

#[test]
fn a_link_follows_its_script_obeys_commands_and_prints_its_counters() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("storm.link"), "# everything twice\n0s duplicate up 100%\n0s delay both 1ms\n")
        .unwrap();
    let server = socket();
    let to = server.local_addr().unwrap().to_string();
    let words =
        ["link", "--server", &to, "--script", "storm.link", "--control", "ctl", "--set", "corrupt up 1", "--json"];
    let mut link = Program::start(turbo(dir.path()).args(words));
    let line = link.wait_line("listening on ", PATIENCE);
    let listen = line.split("listening on ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();

    let client = socket();
    client.send_to(&[7; 100], listen).unwrap();
    let (mut first, mut second) = ([0; 200], [0; 200]);
    let (len, seen_as) = server.recv_from(&mut first).unwrap();
    assert_eq!((len, server.recv(&mut second).unwrap()), (100, 100));
    assert_eq!(first, second);
    assert_eq!(first[..100].iter().filter(|byte| **byte != 7).count(), 1);

    let told = run(dir.path(), &["link", "send", "ctl", "duplicate up 0", "corrupt up 0", "rebind", "stats"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let said: Vec<&str> = told.stdout.lines().collect();
    assert!(matches!(said.as_slice(), ["ok", "ok", "ok", stats] if stats.starts_with("ok {")), "{said:?}");
    client.send_to(&[8; 50], listen).unwrap();
    let (len, now_seen_as) = server.recv_from(&mut first).unwrap();
    assert_eq!(first[..len], [8; 50]);
    assert_ne!(now_seen_as, seen_as);

    let refused = run(dir.path(), &["link", "send", "ctl", "delay up 5ms", "delay upwards 5ms", "delay up 6ms"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), "ok\n"), "{}", refused.stderr);
    assert!(refused.stderr.contains("column 7: \"upwards\" is no direction"), "{}", refused.stderr);

    kill(Pid::from_raw(link.id() as i32), Signal::SIGTERM).unwrap();
    let ended = link.wait(PATIENCE);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let counters: serde_json::Value = serde_json::from_str(ended.stdout.trim()).expect("one JSON object");
    let up = |key: &str| counters["up"][key].as_u64().unwrap_or_else(|| panic!("{key} is a count: {counters}"));
    assert_eq!((up("offered_packets"), up("passed_packets"), up("duplicated"), up("corrupted")), (2, 2, 1, 1));
    assert_eq!((counters["rebinds"].as_u64(), counters["commands"].as_u64()), (Some(1), Some(5)), "{counters}");
    for key in ["dropped_burst", "reordered", "capacity_bytes", "late_100us", "late_1ms", "late_10ms", "latest_us"] {
        up(key);
    }
    assert!(!dir.path().join("ctl").exists(), "the control socket's path is gone");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.link"), "0s rate up 3\n5s  loss up 3\n").unwrap();
    std::fs::write(dir.path().join("small.link"), "0s queue up 1\n").unwrap();
    let server = ["link", "--server", "127.0.0.1:9"];
    let with = |more: &[&'static str]| [&server, more].concat();
    let cases: &[(Vec<&str>, i32, &str)] = &[
        (with(&["--script", "bad.link"]), 78, "bad.link:2:13: \"3\" is no fraction"),
        (with(&["--script", "missing.link"]), 78, "missing.link: cannot read the script"),
        (with(&["--script", "small.link"]), 78, "queue of 1000 bytes holds no packet"),
        (with(&["--set", "loss sideways 1%"]), 2, "column 6: \"sideways\" is no direction"),
        (with(&["--control", "no/such/folder"]), 1, "no/such/folder"),
        (vec!["link"], 2, "--server"),
        (vec!["link", "send", "nobody", "rate up 3"], 1, "nobody: nobody answers there"),
        (vec!["demo", "--link-script", "bad.link"], 78, "bad.link:2:13"),
    ];
    for (words, code, said) in cases {
        let run = run(dir.path(), words);
        assert_eq!(run.code, Some(*code), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{words:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{words:?}: {}", run.stderr);
    }
}

#[test]
fn help_shows_the_vocabulary_and_the_self_test_measures() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &["link", "--help"]);
    assert_eq!(help.code, Some(0));
    for word in ["burst WAY FRACTION PACKETS", "turbo link send", "self-test", "--script"] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
    let measured = run(dir.path(), &["link", "self-test", "--one-way", "2ms", "--for", "1s", "--json"]);
    // Whether it is within its bounds depends on how busy this machine is.
    assert!(matches!(measured.code, Some(0 | 1)), "{}", measured.stderr);
    let report: serde_json::Value = serde_json::from_str(measured.stdout.trim()).expect("one JSON object");
    assert!(report["round_trips"]["least_ms"].as_f64().is_some_and(|ms| ms >= 4.0), "{report}");
    let bounds = ["round_trips", "rate"].map(|part| report[part]["within_bounds"].as_bool().expect("a verdict"));
    assert_eq!(measured.code == Some(0), bounds == [true, true], "{report}");
}
