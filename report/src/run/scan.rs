//! Every file of a run directory, sorted by what it is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::PartFile;
use crate::logs::{LogId, PartName, RawFrame};

/// Files of the run that are no logs.
const OWN_FILES: &[&str] = &["run.yaml", "table.yaml", "hops.txt", "threads.csv", "metrics.prom"];
/// Directories that the writers may keep beside the logs, whose files are not this report's.
const OWN_STEMS: &[&str] = &["events", "journal", "flight"];
/// Log directories may be nested (their name is configured), but not endlessly.
const DEPTH: usize = 8;
/// A directory that is not called like a run's may be anything; its logs are not looked for deep down.
const DEPTH_OF_OTHERS: usize = 1;

/// What a directory holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The parts of each log by the directory they lie in, in no order.
    pub(super) parts: BTreeMap<(PathBuf, LogId), Vec<PartFile>>,
    pub(super) raw_frames: u64,
    /// The files of the event log.
    pub(super) events: Vec<PathBuf>,
    pub(super) unfinished: Vec<PathBuf>,
    pub(super) foreign: Vec<PathBuf>,
    /// Pipes, devices, sockets and links to such or to directories, whatever they are called.
    pub(super) no_files: Vec<PathBuf>,
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
}

/// Looks through `dir` and below; links to directories are not followed.
pub(super) fn scan(dir: &Path, is_run: bool) -> Scan {
    let mut scan = Scan::default();
    scan.enter(dir, if is_run { DEPTH } else { DEPTH_OF_OTHERS });
    scan.foreign.sort();
    scan.no_files.sort();
    scan.unfinished.sort();
    scan.events.sort();
    scan
}

/// Whether what a path leads to is there and no regular file: to open it may take forever.
fn is_no_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

impl Scan {
    fn enter(&mut self, dir: &Path, depth: usize) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable.push((dir.to_owned(), error)),
        };
        let mut parts: BTreeMap<LogId, Vec<PartFile>> = BTreeMap::new();
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
                Ok((kind, entry)) if kind.is_dir() && depth > 0 => self.enter(&entry.path(), depth - 1),
                Ok((kind, entry)) if kind.is_dir() => self.foreign.push(entry.path()),
                Ok((kind, entry)) if !kind.is_file() && is_no_file(&entry.path()) => self.no_file(entry.path()),
                Ok((_, entry)) => match PartName::parse(&entry.file_name().to_string_lossy()) {
                    Some(PartName { log, number }) => {
                        parts.entry(log).or_default().push(PartFile { number, path: entry.path() });
                    }
                    None => self.file(&entry.file_name().to_string_lossy(), entry.path()),
                },
                Err(error) => self.unreadable.push((dir.to_owned(), error)),
            }
        }
        self.parts.extend(parts.into_iter().map(|(log, parts)| ((dir.to_owned(), log), parts)));
    }

    fn no_file(&mut self, path: PathBuf) {
        // The run's own ones are told of by whoever wants to read them.
        if !path.file_name().is_some_and(|name| OWN_FILES.iter().any(|own| name == *own)) {
            self.no_files.push(path);
        }
    }

    fn file(&mut self, name: &str, path: PathBuf) {
        if RawFrame::parse(name).is_some() {
            self.raw_frames += 1;
        } else if name.starts_with("events_") && name.ends_with(".bin") {
            self.events.push(path);
        } else if name.starts_with('.') && (name.ends_with(".partial") || name.ends_with(".journal")) {
            self.unfinished.push(path);
        } else if !OWN_FILES.contains(&name) && !OWN_STEMS.iter().any(|stem| name.starts_with(stem)) {
            self.foreign.push(path);
        }
    }
}
