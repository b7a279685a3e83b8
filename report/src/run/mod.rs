//! What there is of a run on the disk: its directories, the logs in them, and everything that does not belong there.

mod info;
mod scan;
mod select;
mod stamp;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

pub use info::RunInfo;

use crate::error::ReportError;
use crate::finding::{Finding, Findings, Severity};
use crate::logs::{LogId, LogKind, Place};
use crate::text::{plain, shown};

/// One run directory.
#[derive(Debug)]
pub struct RunDir {
    /// Where it is.
    pub path: PathBuf,
    /// Whose logs it holds.
    pub place: Place,
    /// What `run.yaml` says, where it can be read.
    pub info: Option<RunInfo>,
    /// The files of its event log, oldest first.
    pub events: Vec<PathBuf>,
}

/// One part file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFile {
    /// Its number.
    pub number: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// The part files of one log, by number.
#[derive(Clone, Debug)]
pub struct Log {
    /// Which log.
    pub id: LogId,
    /// Which side wrote it.
    pub place: Place,
    /// The directory of the files.
    pub dir: PathBuf,
    /// The parts, in order.
    pub parts: Vec<PartFile>,
    /// The ranges of part numbers that are missing, both ends included.
    pub missing: Vec<(u64, u64)>,
}

/// A run on the disk.
#[derive(Debug)]
pub struct Run {
    /// The timestamp in its directories' names, or the directory's own name.
    pub name: String,
    /// Its directories.
    pub dirs: Vec<RunDir>,
    /// Its logs.
    pub logs: Vec<Log>,
    /// What is wrong with its files.
    pub findings: Findings,
    /// Part files that a killed process did not complete.
    pub unfinished: u64,
    /// Whether a process still writes it.
    pub going_on: bool,
    /// Files that belong to no log.
    pub foreign: u64,
    /// Other runs beside it, by timestamp.
    pub others: Vec<String>,
}

impl Run {
    /// Looks for the run that these paths mean: run directories (those of the same moment beside them are taken
    /// along), or an output directory, of which the newest run is taken.
    ///
    /// # Errors
    /// [`ReportError`] where a path is no directory, or nothing of a run is there.
    pub fn find(paths: &[PathBuf]) -> Result<Self, ReportError> {
        let selection = select::select(paths)?;
        let mut run = Self {
            name: plain(&selection.name),
            dirs: Vec::new(),
            logs: Vec::new(),
            findings: Findings::default(),
            unfinished: 0,
            going_on: false,
            foreign: 0,
            others: selection.others,
        };
        for (path, place) in selection.dirs {
            run.take(path, place, selection.certain);
        }
        let with_files =
            !run.logs.is_empty() || run.dirs.iter().any(|dir| dir.info.is_some()) || run.unfinished > 0 || run.going_on;
        if !with_files && !selection.certain {
            let path = paths.first().cloned().unwrap_or_default();
            let found = match run.foreign {
                0 => "it is empty".to_owned(),
                foreign => format!("none of its {foreign} files is a log"),
            };
            return Err(ReportError::NotARun { path, found });
        }
        if run.logs.is_empty() {
            let file = run.dirs.first().map(|dir| shown(&dir.path)).unwrap_or_default();
            run.say(Severity::Warning, file, "holds no log at all: it was killed early, or every log is switched off");
        }
        Ok(run)
    }

    fn say(&mut self, severity: Severity, file: String, text: &str) {
        let finding = Finding { severity, file, row: None, text: text.to_owned() };
        self.findings.add("such files", "the run", finding);
    }

    fn take(&mut self, path: PathBuf, place: Place, is_run: bool) {
        let base = path.parent().unwrap_or(&path).to_owned();
        let relative = move |file: &Path| shown(file.strip_prefix(&base).unwrap_or(file));
        let info = match RunInfo::read(&path) {
            Ok(info) => info,
            Err(error) => {
                self.say(Severity::Warning, relative(&path.join("run.yaml")), &error);
                None
            }
        };
        let scan = scan::scan(&path, is_run);
        for (file, error) in &scan.unreadable {
            self.say(Severity::Error, relative(file), &format!("cannot be listed: {error}"));
        }
        let going_on = scan.unfinished.iter().any(|file| is_held(file));
        if going_on {
            let file = shown(path.file_name().map_or(path.as_path(), Path::new));
            self.say(Severity::Note, file, "is still going on: its newest rows are in no parts yet");
        }
        self.going_on |= going_on;
        for file in scan.unfinished.iter().filter(|_| !going_on) {
            self.unfinished += 1;
            let text = "is what a killed run had not completed; `turbo recover RUN` makes parts of it";
            let finding = Finding { severity: Severity::Error, file: relative(file), row: None, text: text.to_owned() };
            self.findings.add("unfinished parts", "the run", finding);
        }
        let foreign = scan.foreign.iter().map(|file| (file, "belongs to no log; left out"));
        let no_files = scan.no_files.iter().map(|file| (file, "is no regular file; left out"));
        for (file, text) in foreign.chain(no_files) {
            self.foreign += 1;
            let text = text.to_owned();
            let finding = Finding { severity: Severity::Warning, file: relative(file), row: None, text };
            self.findings.add("foreign files", "the run", finding);
        }
        for ((dir, id), mut parts) in scan.parts {
            parts.sort_by_key(|part| part.number);
            let missing = gaps(&parts);
            let log = Log { id, place, dir, parts, missing };
            for (from, to) in &log.missing {
                let parts = if from == to { format!("part {from} is") } else { format!("parts {from} to {to} are") };
                let text = format!("{parts} missing; there are parts up to {}", log.last_number());
                let file = relative(&log.dir.join(id.to_string()));
                let finding = Finding { severity: Severity::Error, file, row: None, text };
                self.findings.add("missing parts", &id.to_string(), finding);
            }
            self.logs.push(log);
        }
        self.dirs.push(RunDir { path, place, info, events: scan.events });
    }

    /// The logs of one type.
    pub fn of(&self, kind: LogKind) -> impl Iterator<Item = &Log> {
        self.logs.iter().filter(move |log| log.id.kind == kind)
    }

    /// How many part files are missing.
    #[must_use]
    pub fn missing_parts(&self) -> u64 {
        self.logs.iter().flat_map(|log| &log.missing).map(|(from, to)| to - from + 1).sum()
    }

    /// A file's name in findings: from the run directory's parent on.
    #[must_use]
    pub fn relative(&self, file: &Path) -> String {
        let base = self.dirs.iter().find(|dir| file.starts_with(&dir.path)).and_then(|dir| dir.path.parent());
        shown(base.and_then(|base| file.strip_prefix(base).ok()).unwrap_or(file))
    }

    /// What the first directory of this side says in `run.yaml`.
    #[must_use]
    pub fn info(&self, place: Place) -> Option<&RunInfo> {
        self.dirs.iter().filter(|dir| dir.place == place).find_map(|dir| dir.info.as_ref())
    }
}

impl Log {
    fn last_number(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.number)
    }
}

/// Whether a process that lives holds the journal `file`. Its part files come and go while one looks.
fn is_held(file: &Path) -> bool {
    let journal = file.extension().is_some_and(|extension| extension == "journal") && file.is_file();
    journal && File::open(file).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Parts are numbered from 0 without gaps; what lies behind the last one cannot be known.
fn gaps(parts: &[PartFile]) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut next = 0;
    for part in parts {
        if part.number > next {
            gaps.push((next, part.number - 1));
        }
        next = part.number + 1;
    }
    gaps
}
