//! Which directories a path on the command line means.

use std::path::{Path, PathBuf};

use super::stamp::DirName;
use crate::error::ReportError;
use crate::logs::Place;

/// Car and cloud are two processes with a start of their own each; this far apart they are still one run.
const TOGETHER_SECS: i64 = 60;

/// The directories of one run.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) name: String,
    pub(super) dirs: Vec<(PathBuf, Place)>,
    pub(super) others: Vec<String>,
    /// Whether the names alone say that these are run directories.
    pub(super) certain: bool,
}

/// # Errors
/// [`ReportError::NoDirectory`].
pub(super) fn select(paths: &[PathBuf]) -> Result<Selection, ReportError> {
    let mut selection = Selection::default();
    for path in paths {
        let path = directory(path)?;
        let own = path.file_name().and_then(|name| DirName::parse(&name.to_string_lossy()));
        let inside = runs_in(&path);
        if let Some(name) = own {
            let beside = runs_in(path.parent().unwrap_or(Path::new("/")));
            selection.take_with(&name, beside, Some(path));
        } else if let Some(newest) = newest(&inside) {
            selection.take_with(&newest, inside, None);
        } else {
            // A directory of log files that somebody has put together, or something else altogether.
            if selection.name.is_empty() {
                selection.name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            }
            let cloud = ["server", "quic-server-out"].iter().any(|name| path.ends_with(name));
            selection.add(path, if cloud { Place::Cloud } else { Place::Car });
        }
    }
    Ok(selection)
}

fn directory(path: &Path) -> Result<PathBuf, ReportError> {
    let refused = |reason: String| ReportError::NoDirectory { path: path.to_owned(), reason };
    // Absolute, so that siblings of `.` are found.
    let absolute = path.canonicalize().map_err(|error| refused(error.to_string()))?;
    if absolute.is_dir() { Ok(absolute) } else { Err(refused("is not a directory".to_owned())) }
}

/// The run directories in `dir`, in the order of their names.
fn runs_in(dir: &Path) -> Vec<(DirName, PathBuf)> {
    let mut runs: Vec<(DirName, PathBuf)> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| Some((DirName::parse(&entry.file_name().to_string_lossy())?, entry.path())))
        .collect();
    runs.sort_by(|a, b| a.1.cmp(&b.1));
    runs
}

/// The newest car's run, or the newest cloud's where no car was there.
fn newest(runs: &[(DirName, PathBuf)]) -> Option<DirName> {
    let of = |place| runs.iter().map(|(name, _)| name).filter(move |name| name.place == place);
    of(Place::Car).max_by_key(|name| name.secs).or_else(|| of(Place::Cloud).max_by_key(|name| name.secs)).cloned()
}

impl Selection {
    fn add(&mut self, path: PathBuf, place: Place) {
        if !self.dirs.iter().any(|(known, _)| *known == path) {
            self.dirs.push((path, place));
        }
    }

    /// Takes `named`, every directory of the same process, and the other side's that started nearest to it.
    fn take_with(&mut self, name: &DirName, beside: Vec<(DirName, PathBuf)>, named: Option<PathBuf>) {
        if self.name.is_empty() {
            self.name.clone_from(&name.stamp);
        }
        self.certain = true;
        if let Some(path) = named {
            self.add(path, name.place);
        }
        let distance = |other: &DirName| (other.secs - name.secs).abs();
        let partner = beside
            .iter()
            .filter(|(other, _)| other.place != name.place && distance(other) <= TOGETHER_SECS)
            .min_by_key(|(other, _)| distance(other))
            .map(|(other, _)| other.stamp.clone());
        for (other, path) in beside {
            let same = other.place == name.place && other.stamp == name.stamp;
            let partner = other.place != name.place && partner.as_ref() == Some(&other.stamp);
            if same || partner {
                self.add(path, other.place);
            } else if !self.others.contains(&other.stamp) {
                self.others.push(other.stamp);
            }
        }
    }
}
