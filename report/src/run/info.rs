//! `run.yaml`, as far as a report needs it.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

/// What a run says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct RunInfo {
    /// The program's version.
    #[serde(default)]
    pub version: String,
    /// The source's revision.
    #[serde(default)]
    pub git_revision: Option<String>,
    /// When it started.
    pub start: Start,
    /// Where it ran.
    #[serde(default)]
    pub host: Host,
    /// The resolved configuration: JSON as text.
    #[serde(default)]
    configuration: String,
}

/// One moment on both clocks.
#[derive(Clone, Debug, Deserialize)]
pub struct Start {
    /// Local time, `%Y-%m-%d_%H-%M-%S`.
    #[serde(default)]
    pub local: Option<String>,
    /// Unix time, ns.
    pub unix_ns: u64,
    /// `CLOCK_MONOTONIC`, ns.
    pub monotonic_ns: u64,
}

/// The machine.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Host {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its cores.
    #[serde(default)]
    pub cores: Option<usize>,
}

impl RunInfo {
    /// Reads `dir/run.yaml`; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(dir: &Path) -> Result<Option<Self>, String> {
        let text = match crate::bounded::read_text(&dir.join("run.yaml")) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err("is missing: version, host and the start on both clocks are not known".to_owned());
            }
            Err(error) => return Err(format!("cannot be read: {error}")),
        };
        serde_saphyr::from_str(&text).map(Some).map_err(|error| {
            let reason = error.to_string();
            format!("is no run information: {}", reason.lines().next().unwrap_or_default())
        })
    }

    /// The resolved configuration; `Null` where it is none.
    #[must_use]
    pub fn configuration(&self) -> serde_json::Value {
        serde_json::from_str(&self.configuration).unwrap_or_default()
    }
}
