//! Who a process is, to those who look for it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who a process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// `car` or `cloud`.
    pub program: String,
    /// Its number.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it began, Unix time in whole seconds.
    pub started_unix_s: i64,
    /// Its first run directory, once there is one.
    pub run_dir: Option<PathBuf>,
    /// The names of a car's services, in the order of their numbers.
    pub services: Vec<String>,
}

impl Who {
    /// How it is told from others on this machine.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.program, self.pid)
    }
}
