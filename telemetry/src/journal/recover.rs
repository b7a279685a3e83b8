//! Makes parts of what dead processes left in their journals; as often as one likes, with the same result.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use parquet::file::metadata::KeyValue;

use super::format::{FormatError, ORIGIN_KEY, Origin};
use super::report::{JournalReport, Outcome, RecoveryReport};
use super::{file_name, read};
use crate::part_file::{LogShape, note};

/// What a recovered part's metadata has the version of the program under that made it.
const RECOVERED_KEY: &str = "turbo.recovered_by";
/// An output directory holds runs, a run a subdirectory, which may be a path of a few names.
const DEPTH: usize = 5;
/// No journal is longer; what is, is none.
const MAX_BYTES: u64 = 512 << 20;

/// Recovers every journal in `dir` and below: of one run, or of all runs of an output directory. Links are not
/// followed, and a run whose process is alive is not touched.
///
/// ```
/// let output = tempfile::tempdir()?;
/// let report = telemetry::journal::recover(output.path());
/// assert_eq!((report.rows_recovered, report.failed), (0, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn recover(dir: &Path) -> RecoveryReport {
    let mut report = RecoveryReport::default();
    let mut journals = Vec::new();
    find(dir, DEPTH, &mut journals, &mut report);
    journals.sort();
    for journal in journals {
        report.add(recover_journal(&journal));
    }
    report
}

fn find(dir: &Path, depth: usize, journals: &mut Vec<PathBuf>, report: &mut RecoveryReport) {
    let failed =
        |error: io::Error| JournalReport::because(dir.to_owned(), Outcome::Failed, format!("cannot list: {error}"));
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        // Its run may have been deleted in the meantime.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return report.add(failed(error)),
    };
    for entry in entries {
        match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
            Ok((kind, entry)) if kind.is_dir() && depth > 0 => find(&entry.path(), depth - 1, journals, report),
            Ok((kind, entry)) if kind.is_file() => {
                let name = entry.file_name();
                if name.as_encoded_bytes().starts_with(b".") && name.as_encoded_bytes().ends_with(b".journal") {
                    journals.push(entry.path());
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => report.add(failed(error)),
        }
    }
}

/// Recovers one journal.
///
/// A process may die in the midst of this at any instant: until the part has its name nothing is changed, and from then
/// on the part says which rows it has.
#[must_use]
pub fn recover_journal(path: &Path) -> JournalReport {
    let failed = |what: &str, error: io::Error| {
        JournalReport::because(path.to_owned(), Outcome::Failed, format!("cannot {what}: {error}"))
    };
    let open = |write| OpenOptions::new().read(true).write(write).open(path);
    // Network file systems lock only what may be written; for others reading suffices, and a directory that cannot be
    // written to is told of by the part.
    let file = match open(true).or_else(|_| open(false)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return JournalReport::new(path.to_owned(), Outcome::Empty);
        }
        Err(error) => return failed("open", error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return JournalReport::new(path.to_owned(), Outcome::InUse),
        Err(TryLockError::Error(error)) => return failed("lock", error),
    }
    match file.metadata() {
        // Somebody else has just recovered it, or its run has ended well.
        Ok(metadata) if metadata.nlink() == 0 => JournalReport::new(path.to_owned(), Outcome::Empty),
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let reason = format!("{} bytes are more than a journal may have", metadata.len());
            JournalReport::because(path.to_owned(), Outcome::LeftAlone, reason)
        }
        Ok(_) => match read_all(&file) {
            Ok(bytes) => recover_locked(path, &bytes),
            Err(error) => failed("read", error),
        },
        Err(error) => failed("look at", error),
    }
}

fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn recover_locked(path: &Path, bytes: &[u8]) -> JournalReport {
    let contents = match read::read(bytes) {
        Ok(contents) => contents,
        Err(FormatError::Unfinished) => return remove(JournalReport::new(path.to_owned(), Outcome::Empty)),
        Err(error) => return JournalReport::because(path.to_owned(), Outcome::LeftAlone, error),
    };
    let shape = &contents.header.shape;
    if path.file_name().is_none_or(|name| name != file_name(&shape.stem).as_str()) {
        let reason = format!("it was renamed: it says that it is {:?}", file_name(&shape.stem));
        return JournalReport::because(path.to_owned(), Outcome::LeftAlone, reason);
    }
    let mut report = JournalReport::new(path.to_owned(), Outcome::Empty);
    report.log = Some(shape.stem.clone());
    report.damage.clone_from(&contents.damage);
    let dir = path.parent().unwrap_or(Path::new("."));
    let parts = match Parts::list(dir, shape) {
        Ok(parts) => parts,
        Err(error) => {
            let reason = Some(format!("cannot list {}: {error}", dir.display()));
            return JournalReport { outcome: Outcome::Failed, reason, ..report };
        }
    };
    parts.remove_partial();
    if contents.rows == 0 {
        return remove(report);
    }
    if let Some(part) = parts.with(contents.origin) {
        return remove(JournalReport { outcome: Outcome::AlreadyInParts, part: Some(part), ..report });
    }
    let version = concat!("turbo version ", env!("CARGO_PKG_VERSION")).to_owned();
    let notes = [contents.origin.note(), KeyValue::new(RECOVERED_KEY.to_owned(), version)];
    match shape.write_part(dir, parts.next_number(), &contents.buffers, &notes) {
        Ok(part) => {
            // The journal is only given up once the part's name is known to survive a power cut.
            let report =
                JournalReport { outcome: Outcome::Recovered, rows: contents.rows, part: Some(part.path), ..report };
            match part.unsynced {
                None => remove(report),
                Some(error) => JournalReport { reason: Some(error.to_string()), ..report },
            }
        }
        Err(error) => JournalReport { outcome: Outcome::Failed, reason: Some(error.to_string()), ..report },
    }
}

fn remove(report: JournalReport) -> JournalReport {
    match std::fs::remove_file(&report.journal) {
        Ok(()) => report,
        // Its rows are safe; the next recovery finds that out again.
        Err(error) => JournalReport { reason: Some(format!("cannot remove the journal: {error}")), ..report },
    }
}

/// The files of one log.
struct Parts {
    /// Whole parts, the newest first.
    whole: Vec<(u64, PathBuf)>,
    partial: Vec<PathBuf>,
}

impl Parts {
    fn list(dir: &Path, shape: &LogShape) -> io::Result<Self> {
        let mut parts = Self { whole: Vec::new(), partial: Vec::new() };
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(number) = shape.number_of(name) {
                parts.whole.push((number, entry.path()));
            } else if shape.is_partial(name) {
                parts.partial.push(entry.path());
            }
        }
        parts.whole.sort_unstable_by(|a, b| b.cmp(a));
        Ok(parts)
    }

    /// The part that has the rows of that generation, or of a later one of the same journal.
    fn with(&self, origin: Origin) -> Option<PathBuf> {
        // A journal's parts are numbered as they were made, so the newest one of this journal decides.
        let of_journal = |(_, path): &(u64, PathBuf)| {
            let part = Origin::parse(&note(path, ORIGIN_KEY)?)?;
            (part.journal == origin.journal).then(|| (part.generation, path.clone()))
        };
        let (generation, path) = self.whole.iter().find_map(of_journal)?;
        (generation >= origin.generation).then_some(path)
    }

    fn next_number(&self) -> u64 {
        self.whole.first().map_or(0, |(number, _)| number.saturating_add(1))
    }

    /// Removes parts that their writer, now dead, never finished; one that cannot be removed is hidden and never read.
    fn remove_partial(&self) {
        for path in &self.partial {
            let _ = std::fs::remove_file(path);
        }
    }
}
