//! `run.yaml` is YAML that says what the program gave it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::collections::BTreeMap;

use serde::Deserialize;
use telemetry::run_dir::{Role, RunDirError, RunDirs, Subdirs};
use telemetry::run_info::RunInfo;

#[derive(Deserialize)]
struct Read {
    version: String,
    git_revision: Option<String>,
    command: Vec<String>,
    start: Start,
    host: Host,
    core_map: BTreeMap<String, Vec<u32>>,
    memory: String,
    configuration: String,
}

#[derive(Deserialize)]
struct Start {
    local: String,
    unix_ns: u64,
    monotonic_ns: u64,
}

#[derive(Deserialize)]
struct Host {
    name: String,
    cores: usize,
}

#[test]
fn it_reads_back_as_written_in_every_run_directory_and_is_written_once() {
    let output = tempfile::tempdir().unwrap();
    let dirs = RunDirs::create(output.path(), common::run_start(), Role::CAR, &Subdirs::default()).unwrap();
    let configuration = "services:\n  - name: \"front # not a comment\"\n    fps: 5\n\nslo_ms: 200\n";
    let core_map = BTreeMap::from([("service-1".to_owned(), vec![0, 1])]);
    let command = ["turbo".to_owned(), "car".to_owned(), "--set: yes".to_owned()];
    let info = RunInfo {
        version: "0.1.0",
        git_revision: None,
        command: &command,
        configuration,
        core_map: &core_map,
        memory: &"plain pages: no huge page was free",
        started: common::run_start(),
    };
    dirs.write_info(&info).unwrap();
    for dir in dirs.all() {
        let text = std::fs::read_to_string(dir.run.join("run.yaml")).unwrap();
        assert!(text.contains("configuration: |"), "the configuration stays readable:\n{text}");
        let read: Read = serde_saphyr::from_str(&text).unwrap();
        assert_eq!((read.version.as_str(), read.git_revision), ("0.1.0", None));
        assert_eq!(read.command, command);
        assert_eq!(read.configuration, configuration);
        assert_eq!(read.core_map, core_map);
        assert_eq!(read.memory, "plain pages: no huge page was free");
        assert_eq!((read.start.unix_ns, read.start.monotonic_ns), (1_700_000_000_000_000_000, 100_000_000_000));
        assert_eq!(read.start.local, dirs.timestamp());
        assert!(!read.host.name.is_empty() && read.host.cores > 0);
    }
    assert!(matches!(dirs.write_info(&info), Err(RunDirError::Create { .. })), "a run's record is not overwritten");
}
