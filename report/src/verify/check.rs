//! Where a check stands: the part it looks at, and where its findings go.

use std::path::Path;

use crate::finding::{Finding, Findings, Severity};
use crate::run::Log;

/// Unix times before this (2001) are some other clock's.
const EARLIEST_UNIX_SECS: f64 = 1e9;

/// The part that is being looked at.
pub(super) struct Check<'a> {
    file: String,
    log: String,
    path: &'a Path,
    findings: &'a mut Findings,
}

impl<'a> Check<'a> {
    pub(super) fn new(file: String, log: &Log, path: &'a Path, findings: &'a mut Findings) -> Self {
        Self { file, log: log.id.to_string(), path, findings }
    }

    /// The part's name in findings.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The part's file.
    pub(super) fn path(&self) -> &Path {
        self.path
    }

    /// A contradiction to the specification. `kind` names what like findings share, in the plural.
    pub(super) fn error(&mut self, kind: &'static str, row: Option<usize>, text: String) {
        self.add(Severity::Error, kind, row, text);
    }

    pub(super) fn warning(&mut self, kind: &'static str, row: Option<usize>, text: String) {
        self.add(Severity::Warning, kind, row, text);
    }

    /// The same of a file that was looked at earlier.
    pub(super) fn error_in(&mut self, file: String, kind: &'static str, row: Option<usize>, text: String) {
        let row = row.map(|row| row as u64);
        self.findings.add(kind, &self.log, Finding { severity: Severity::Error, file, row, text });
    }

    fn add(&mut self, severity: Severity, kind: &'static str, row: Option<usize>, text: String) {
        let row = row.map(|row| row as u64);
        self.findings.add(kind, &self.log, Finding { severity, file: self.file.clone(), row, text });
    }

    /// Complains about the first row of a column that does not hold what it ought to.
    pub(super) fn each(
        &mut self,
        kind: &'static str,
        cells: Option<Vec<f64>>,
        right: impl Fn(f64) -> bool,
        say: impl Fn(f64) -> String,
    ) {
        let wrong = cells.into_iter().flatten().enumerate().find(|(_, cell)| !right(*cell));
        wrong.into_iter().for_each(|(row, cell)| self.error(kind, Some(row), say(cell)));
    }

    /// Unix times have to be that.
    pub(super) fn unix(&mut self, column: &str, cells: Option<Vec<f64>>) {
        self.each(
            "times that are not Unix time",
            cells,
            |at| at > EARLIEST_UNIX_SECS,
            |at| format!("{column} is {at}: seconds since 1970 are above {EARLIEST_UNIX_SECS:e}"),
        );
    }

    /// A column that names its owner has to name the one in the file's name.
    pub(super) fn owner(&mut self, column: &str, cells: Option<Vec<Option<i64>>>, service: u16) {
        let wrong = cells.into_iter().flatten().enumerate().find(|(_, cell)| *cell != Some(i64::from(service)));
        if let Some((row, cell)) = wrong {
            let text = format!("{column} is {cell:?} in a file of service {service}");
            self.error("rows of another service", Some(row), text);
        }
    }
}
