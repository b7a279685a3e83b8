//! `run.yaml`: what it takes to run the same experiment again.

use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroUsize;

use rt_core::clock::ClockAnchor;
use serde::Serialize;

use crate::run_clock::local_timestamp;
use crate::run_dir::{RunDirError, RunDirs};

/// The contents of `run.yaml` that only the program knows; host and times are added by [`RunDirs::write_info`].
#[derive(Clone, Copy, Debug)]
pub struct RunInfo<'a, CoreMap: Serialize, Memory: Serialize> {
    /// The program's version.
    pub version: &'a str,
    /// The source's git revision, where the build knew it.
    pub git_revision: Option<&'a str>,
    /// The command line.
    pub command: &'a [String],
    /// The full configuration with every default filled in, as YAML text.
    pub configuration: &'a str,
    /// Every thread with its cores and policy, as the kernel accepted them.
    pub core_map: &'a CoreMap,
    /// What memory was got (huge pages or not, locked or not).
    pub memory: &'a Memory,
    /// When the process started.
    pub started: ClockAnchor,
}

#[derive(Serialize)]
struct Document<'a, CoreMap: Serialize, Memory: Serialize> {
    version: &'a str,
    git_revision: Option<&'a str>,
    command: &'a [String],
    start: Start,
    host: Host,
    core_map: &'a CoreMap,
    memory: &'a Memory,
    configuration: &'a str,
}

#[derive(Serialize)]
struct Start {
    local: Option<String>,
    unix_ns: u64,
    monotonic_ns: u64,
}

#[derive(Serialize)]
struct Host {
    name: String,
    system: String,
    machine: String,
    cores: Option<usize>,
}

impl RunDirs {
    /// Writes `run.yaml` into each of the run directories.
    ///
    /// # Errors
    /// [`RunDirError`], which names the file.
    pub fn write_info<CoreMap: Serialize, Memory: Serialize>(
        &self,
        info: &RunInfo<'_, CoreMap, Memory>,
    ) -> Result<(), RunDirError> {
        let document = Document {
            version: info.version,
            git_revision: info.git_revision,
            command: info.command,
            start: Start {
                local: local_timestamp(info.started.unix.seconds()),
                unix_ns: info.started.unix.as_ns(),
                monotonic_ns: info.started.monotonic.as_ns(),
            },
            host: host(),
            core_map: info.core_map,
            memory: info.memory,
            configuration: info.configuration,
        };
        for dir in self.all() {
            let path = dir.run.join("run.yaml");
            let text = serde_saphyr::to_string(&document)
                .map_err(|error| RunDirError::Yaml { path: path.clone(), reason: error.to_string() })?;
            let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|source| RunDirError::Create { path, source })?;
        }
        Ok(())
    }
}

fn host() -> Host {
    let cores = std::thread::available_parallelism().ok().map(NonZeroUsize::get);
    match nix::sys::utsname::uname() {
        Ok(names) => Host {
            name: names.nodename().to_string_lossy().into_owned(),
            system: format!("{} {}", names.sysname().to_string_lossy(), names.release().to_string_lossy()),
            machine: names.machine().to_string_lossy().into_owned(),
            cores,
        },
        Err(_) => Host { name: String::new(), system: String::new(), machine: String::new(), cores },
    }
}
