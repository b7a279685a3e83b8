//! Where test data lies that is too large for this repository, or not this project's to give.

use std::path::{Path, PathBuf};

/// Names the folder of shared test data; without it, `shared` beside the repository.
pub const VARIABLE: &str = "TURBO_TEST_DATA";

/// `path` in the shared test data; `None`, said aloud on stderr, where it is absent, so that a test can skip.
///
/// ```
/// let Some(menu) = testkit::data::shared("spec/model-menu.csv") else { return };
/// assert!(menu.exists());
/// ```
#[must_use]
pub fn shared(path: impl AsRef<Path>) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let file = std::env::var_os(VARIABLE).map_or_else(beside, PathBuf::from).join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("SKIPPED: {} is absent; set {VARIABLE} to the folder of the shared test data", file.display());
    None
}
