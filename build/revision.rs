//! The revision that a source tree is at, as git tells it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What follows the commit's name where files of the tree are not as that commit has them.
const CHANGED: &str = "-changed";

/// A tree's revision.
pub struct Revision {
    /// The commit's full name, and `-changed` where a tracked file is not as it was committed.
    pub name: String,
    /// The files that change with every commit and every switch to another.
    pub watched: Vec<PathBuf>,
}

/// The revision of the repository whose root `root` is; `None` where it is no repository's root (an unpacked archive
/// within somebody else's repository is not that repository's revision) or git is not there.
pub fn of(root: &Path) -> Option<Revision> {
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if std::fs::canonicalize(top).ok()? != std::fs::canonicalize(root).ok()? {
        return None;
    }
    let commit = git(root, &["rev-parse", "--verify", "HEAD"])?;
    let is_changed = !git(root, &["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"])?.is_empty();
    let watched = ["HEAD", "logs/HEAD"].iter().filter_map(|name| git(root, &["rev-parse", "--git-path", name]));
    Some(Revision {
        name: format!("{commit}{}", if is_changed { CHANGED } else { "" }),
        // Of a path that is not there Cargo would say each time that it has changed.
        watched: watched.map(|path| root.join(path)).filter(|path| path.exists()).collect(),
    })
}

/// What git prints, without the end of the line; `None` where it fails.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let ran = Command::new("git").current_dir(root).args(arguments).output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8(ran.stdout).ok()?.trim_end().to_owned())
}
